package control

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/frugalfs/frugalfs/remote"
)

// Server answers the commands that are about a running mount.
type Server struct {
	http *http.Server
	done chan struct{} // closed when it has stopped listening
}

// Serve begins to answer on l, which it closes in the end.
func Serve(l net.Listener, m Mount, log *slog.Logger) *Server {
	s := &Server{
		http: &http.Server{
			Handler: routes(m), ReadHeaderTimeout: 10 * time.Second,
			ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		},
		done: make(chan struct{}),
	}
	go func() {
		defer close(s.done)
		if err := s.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			log.Error("the control socket ended", "err", err)
		}
	}()
	return s
}

// Close stops listening, and waits for answers under way as long as ctx lasts.
func (s *Server) Close(ctx context.Context) error {
	err := s.http.Shutdown(ctx)
	if err != nil {
		err = errors.Join(err, s.http.Close())
	}
	<-s.done
	return err
}

// answerer does what a request asks for.
type answerer func(r *http.Request) (any, error)

func routes(m Mount) http.Handler {
	mux := http.NewServeMux()
	for pattern, f := range map[string]answerer{
		"GET /healthz":          func(*http.Request) (any, error) { return map[string]bool{"ok": true}, nil },
		"GET /status":           func(*http.Request) (any, error) { return m.Status() },
		"POST /flush":           func(r *http.Request) (any, error) { return flush(r, m) },
		"POST /unmount":         func(r *http.Request) (any, error) { return unmount(r, m) },
		"GET /pending":          func(*http.Request) (any, error) { return m.Pending() },
		"POST /pending/retry":   func(*http.Request) (any, error) { return m.Retry() },
		"POST /pending/drop":    func(*http.Request) (any, error) { return m.Drop() },
		"POST /pending/export":  func(r *http.Request) (any, error) { return m.Export(r.Context(), r.URL.Query().Get("dir")) },
		"POST /pending/explain": func(*http.Request) (any, error) { return m.Explain() },
	} {
		mux.Handle(pattern, f)
	}
	mux.HandleFunc("POST /prefetch", func(w http.ResponseWriter, r *http.Request) { prefetch(w, r, m) })
	return mux
}

func flush(r *http.Request, m Mount) (any, error) {
	timeout, err := timeoutOf(r)
	if err != nil {
		return nil, err
	}
	ctx := r.Context()
	if timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	return m.Flush(ctx)
}

func unmount(r *http.Request, m Mount) (any, error) {
	timeout, err := timeoutOf(r)
	if err != nil {
		return nil, err
	}
	return m.Unmount(r.Context(), timeout)
}

// timeoutOf reads the parameter timeout; none is 0, no limit.
func timeoutOf(r *http.Request) (time.Duration, error) {
	text := r.URL.Query().Get("timeout")
	if text == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, &remote.Error{Kind: remote.Invalid, Op: "timeout", Path: text}
	}
	return d, nil
}

// ServeHTTP answers with what the answerer returns, or with its error.
func (f answerer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v, err := f(r)
	w.Header().Set("Content-Type", "application/json")
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		v = faultOf(err)
	}
	_ = json.NewEncoder(w).Encode(v) // the client went away: nothing to tell it
}
