package sandbox

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/sandbox/dialect"
	"github.com/frugalfs/frugalfs/remote/sandbox/store"
)

// Server is an open sandbox. All methods may be called from many goroutines.
type Server struct {
	o        Options
	store    *store.Store
	switches *dialect.Switches
	dialect  dialect.Dialect
	control  http.Handler
	pipe     *rate.Limiter // nil: no bandwidth limit
	ctx      context.Context
	cancel   context.CancelFunc
	count    counter
	faults   faultList

	// mu guards what follows.
	mu      sync.Mutex
	closed  bool
	servers []*http.Server
	busy    sync.WaitGroup // requests, and servers that listen
}

// Open opens a sandbox. It serves nothing before [Server.Start] is called, or
// [Server.Handler] is mounted somewhere.
func Open(o Options) (*Server, error) {
	o.fill()
	p, err := provider(o.Provider)
	if err != nil {
		return nil, err
	}
	switches, err := dialect.NewSwitches(dialect.Table(p.Switches), o.Switches)
	if err != nil {
		return nil, err
	}
	s := &Server{o: o, switches: switches}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.count.init(o.DailyLimit, o.Now)
	s.faults.init()
	s.control = s.controls()
	if o.Bandwidth > 0 {
		s.pipe = rate.NewLimiter(rate.Limit(o.Bandwidth), max(o.Bandwidth/20, 1<<10))
	}
	if err := s.open(p); err != nil {
		s.cancel()
		return nil, err
	}
	return s, nil
}

// open opens the account and the dialect over it.
func (s *Server) open(p dialect.Provider) error {
	o := s.o
	var d dialect.Dialect
	account, err := store.Open(store.Options{
		Root: o.Root, MetaDir: o.MetaDir, Now: o.Now, User: "ftpuser", Logger: o.Logger,
		FoldCase: s.switches.Is("case-folding", "yes"),
		Quiet:    s.switches.Is("foreign-logged", "no"),
		Notify: func(e store.Entry) {
			if d != nil { // not yet, while the store opens
				d.Notify(e)
			}
		},
	})
	if err != nil {
		return err
	}
	user := o.Username
	setDefault(&user, DefaultUser)
	d, err = p.New(dialect.Env{
		Context: s.ctx, Store: account, Switches: s.switches, Now: o.Now,
		Account: o.Account, Home: o.Home,
		APIKey: o.APIKey, AccessToken: o.AccessToken, Username: user, Password: o.Password,
		DiskLimit: o.DiskLimit, Limit: s.count.limited, HookPause: o.HookPause, Logger: o.Logger,
	})
	if err != nil {
		return errors.Join(err, account.Close())
	}
	s.store, s.dialect = account, d
	return nil
}

// Start listens on an address ("127.0.0.1:0") and serves in the background
// until Close. It returns the URL of the account, without the API's path.
func (s *Server) Start(addr string) (string, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return "", remote.E(remote.Other, "listen", addr, err)
	}
	hs := &http.Server{Handler: s.Handler(), ReadHeaderTimeout: time.Minute}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return "", remote.E(remote.Other, "listen", addr, errors.Join(errors.New("the sandbox is closed"), l.Close()))
	}
	s.servers = append(s.servers, hs)
	s.busy.Go(func() {
		if err := hs.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			s.o.Logger.Error("sandbox: the server ended", "err", err)
		}
	})
	return "http://" + l.Addr().String(), nil
}

// Handler answers the API and the control requests. Requests that come by
// other servers than Start's must have ended before Close is called.
func (s *Server) Handler() http.Handler { return http.HandlerFunc(s.serve) }

// Root returns the folder with the account's content.
func (s *Server) Root() string { return s.store.Root() }

// Set changes a switch while the sandbox runs.
func (s *Server) Set(name, value string) error { return s.switches.Set(name, value) }

// Sweep looks for changes that were made in the folder by hand now, and not
// only when a request touches them.
func (s *Server) Sweep() { s.store.Sweep() }

// Close ends all requests, waits for them and closes the account.
func (s *Server) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	servers := s.servers
	s.mu.Unlock()
	s.cancel()
	var err error
	for _, hs := range servers {
		err = errors.Join(err, hs.Close())
	}
	s.busy.Wait()
	s.dialect.Close()
	return errors.Join(err, s.store.Close())
}

// enter counts a request among those that Close waits for.
func (s *Server) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.busy.Add(1)
	return true
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	if isControl(r) {
		s.control.ServeHTTP(w, r)
		return
	}
	if !s.enter() {
		http.Error(w, "the sandbox is closed", http.StatusServiceUnavailable)
		return
	}
	defer s.busy.Done()
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(s.ctx, cancel)()
	r = r.WithContext(ctx)

	op := s.dialect.Op(r)
	transfer := s.isTransfer(r)
	call := s.count.begin(r, op, transfer)
	a := &answer{ResponseWriter: w, server: s, ctx: ctx}
	defer func() { s.count.end(call, a.status, a.sent) }()
	if !transfer {
		s.dialect.Limits(w.Header(), call.limit, call.remaining)
	}
	if !pause(ctx, s.o.Latency, nil) {
		return
	}
	if s.pipe != nil {
		r.Body = &slowReader{r.Body, s, ctx}
	}
	if f, ok := s.faults.match(r, op); ok {
		s.count.fault(call, f.Kind)
		s.inject(a, r, f, call)
		return
	}
	s.answer(a, r, call)
}

// isTransfer tells whether a request goes to the provider's storage.
func (s *Server) isTransfer(r *http.Request) bool {
	storage, ok := s.dialect.(dialect.Storage)
	return ok && storage.Transfer(r)
}

// answer answers as the provider would without a fault.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, call *call) {
	if call.refused {
		if !s.switches.Is("refused-counts", "yes") {
			s.count.giveBack(call)
		}
		s.dialect.Refuse(w, http.StatusTooManyRequests, "Too many requests")
		return
	}
	s.dialect.ServeHTTP(w, r)
}

// pause waits for d, or with d = 0 and a release channel until that is closed.
// It returns false if ctx ended first.
func pause(ctx context.Context, d time.Duration, release <-chan struct{}) bool {
	if d <= 0 && release == nil {
		return true
	}
	var timer <-chan time.Time
	if d > 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		timer = t.C
	}
	select {
	case <-timer:
	case <-release:
	case <-ctx.Done():
		return false
	}
	return true
}

// String describes the server in a log.
func (s *Server) String() string { return fmt.Sprintf("sandbox %s of %s", s.o.Provider, s.o.Root) }
