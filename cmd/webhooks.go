package cmd

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/frugalfs/frugalfs/cache"
	"github.com/frugalfs/frugalfs/remote"
)

const (
	// maxHook is the largest delivery that is read, in bytes.
	maxHook = 1 << 20
	// hookTime is how long one may take to arrive, and how long those under way
	// may keep the end of a mount waiting.
	hookTime = 10 * time.Second
)

// hookServer listens for deliveries of webhooks.
type hookServer struct {
	http   *http.Server
	listen net.Listener
	// done is closed when it serves no more.
	done chan struct{}
}

// receiver takes in deliveries.
type receiver interface {
	// Deliver checks and takes in one delivery.
	Deliver(secret string, r *http.Request, body []byte) error
	// RefuseHook counts one that was not read.
	RefuseHook()
}

// serveHooks listens at an address.
func serveHooks(ctx context.Context, addr, token string, to receiver) (*hookServer, error) {
	listen, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, wayOut(remote.E(remote.Busy, "listen for webhooks", addr, err), "name another address with --webhook-listen")
	}
	s := &hookServer{listen: listen, done: make(chan struct{}), http: &http.Server{
		Handler: hookHandler(token, to), ReadTimeout: hookTime, WriteTimeout: hookTime, MaxHeaderBytes: 64 << 10,
	}}
	go func() {
		defer close(s.done)
		_ = s.http.Serve(listen) // ends with Close
	}()
	return s, nil
}

// hookHandler answers deliveries. What is wrong with one is told to nobody: whoever
// guesses at the token shall learn nothing.
func hookHandler(token string, to receiver) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			w.Header().Set("Allow", http.MethodPost)
			to.RefuseHook()
			http.Error(w, "webhooks are posted", http.StatusMethodNotAllowed)
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxHook))
		if err != nil {
			to.RefuseHook()
			http.Error(w, "the message is too long, or did not arrive", http.StatusRequestEntityTooLarge)
			return
		}
		answerHook(w, to.Deliver(token, r, body))
	})
}

func answerHook(w http.ResponseWriter, err error) {
	switch {
	case err == nil:
		w.WriteHeader(http.StatusNoContent)
	case remote.IsKind(err, remote.Permission):
		http.Error(w, "the signature is wrong", http.StatusForbidden)
	case remote.IsKind(err, remote.Corrupt):
		http.Error(w, "the message is not understood", http.StatusBadRequest)
	default: // it will be sent again
		http.Error(w, "the message cannot be taken in now", http.StatusServiceUnavailable)
	}
}

func (s *hookServer) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), hookTime)
	defer cancel()
	err := s.http.Shutdown(ctx)
	if err != nil {
		err = s.http.Close()
	}
	<-s.done
	return err
}

// checkHooks finds what keeps webhooks from being listened to, before anything is
// touched.
func (cfg *mountConfig) checkHooks() error {
	if cfg.hooks == "" {
		return nil
	}
	_, port, err := net.SplitHostPort(cfg.hooks)
	if err == nil {
		_, err = net.LookupPort("tcp", port)
	}
	if err != nil || port == "" {
		return misuse("--webhook-listen %q is no address to listen at: write HOST:PORT, as 127.0.0.1:8080", cfg.hooks)
	}
	p, err := findProvider(cfg.account.provider)
	if err != nil {
		return err
	}
	r, err := p.open(cfg.account, noGate()) // makes no request
	switch {
	case err != nil:
		return usageError{err}
	case !cache.ReadsHooks(r):
		return misuse("--webhook-listen is not for %s: its webhooks are not signed, or there are none", p.name)
	case cfg.account.secrets.WebhookToken == "":
		return misuse("the webhook's token is missing: set %s in the environment to its verification token", envWebhookToken)
	}
	return nil
}

// openHooks listens for webhooks, if that was asked for.
func (y *layers) openHooks(ctx context.Context, _ *app) (err error) {
	if y.cfg.hooks == "" {
		return nil
	}
	if y.hooks, err = serveHooks(ctx, y.cfg.hooks, y.cfg.account.secrets.WebhookToken, y.ns); err == nil {
		y.log.log.Info("listening for webhooks", "addr", y.hooks.listen.Addr().String())
	}
	return err
}

// indexerNames reads --indexers; "none" is an empty list, and "" the usual one.
func indexerNames(list string) []string {
	switch list = strings.TrimSpace(list); list {
	case "":
		return nil
	case "none":
		return []string{}
	}
	var names []string
	for name := range strings.SplitSeq(list, ",") {
		if name = strings.TrimSpace(name); name != "" {
			names = append(names, name)
		}
	}
	return names
}
