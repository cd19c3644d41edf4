package filescom

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/sandbox/store"
)

// behaviorKind is under which name the store keeps behaviours.
const behaviorKind = "filescom-behavior"

// maxAttempts is how often a webhook is sent; the documents do not tell.
const maxAttempts = 3

// hooks holds the behaviours and delivers what they are to be told.
type hooks struct {
	a      *api
	client *http.Client
	tasks  sync.WaitGroup // the pump and all deliveries
	wake   chan struct{}  // there is something in the queue

	// mu guards what follows.
	mu    sync.Mutex
	byID  map[int64]behavior
	queue []store.Entry
}

func newHooks(a *api) (*hooks, error) {
	h := &hooks{
		a: a, byID: map[int64]behavior{}, wake: make(chan struct{}, 1),
		client: &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{}},
	}
	for id, raw := range a.Store.Records(behaviorKind) {
		var b behavior
		if err := json.Unmarshal(raw, &b); err != nil {
			return nil, remote.E(remote.Corrupt, "open", "", err)
		}
		h.byID[id] = b
	}
	h.tasks.Go(h.pump)
	return h, nil
}

func (h *hooks) close() {
	h.tasks.Wait()
	h.client.CloseIdleConnections()
}

// all returns the behaviours in the order they were made.
func (h *hooks) all() []behavior {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := make([]behavior, 0, len(h.byID))
	for _, b := range h.byID {
		out = append(out, b)
	}
	slices.SortFunc(out, func(a, b behavior) int { return int(a.ID - b.ID) })
	return out
}

func (h *hooks) put(b behavior) error {
	h.mu.Lock()
	h.byID[b.ID] = b
	h.mu.Unlock()
	return h.a.Store.PutRecord(behaviorKind, b.ID, b)
}

func (h *hooks) remove(id int64) error {
	h.mu.Lock()
	delete(h.byID, id)
	h.mu.Unlock()
	return h.a.Store.PutRecord(behaviorKind, id, nil)
}

// Notify queues what webhooks may be told about.
func (a *api) Notify(e store.Entry) {
	h := a.hook
	h.mu.Lock()
	if len(h.byID) > 0 {
		h.queue = append(h.queue, e)
	}
	h.mu.Unlock()
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

// pump delivers entries, one after the other.
func (h *hooks) pump() {
	for {
		select {
		case <-h.wake:
		case <-h.a.Context.Done():
			return
		}
		h.mu.Lock()
		queue := h.queue
		h.queue = nil
		h.mu.Unlock()
		for _, e := range queue {
			h.dispatch(e)
		}
	}
}

func (h *hooks) dispatch(e store.Entry) {
	for _, b := range h.all() {
		if !b.wants(e) {
			continue
		}
		for _, to := range b.Value.URLs {
			h.tasks.Go(func() { h.deliver(b, to, e) })
		}
	}
}

// deliver sends a message until the endpoint accepts it, with growing pauses.
func (h *hooks) deliver(b behavior, to string, e store.Entry) {
	pause := h.a.HookPause
	for range maxAttempts {
		if h.post(h.a.Context, b, to, e) {
			return
		}
		select {
		case <-time.After(pause):
		case <-h.a.Context.Done():
			return
		}
		pause *= 2
	}
}

func (h *hooks) post(ctx context.Context, b behavior, to string, e store.Entry) bool {
	req, err := h.message(ctx, b, to, h.a.fields(e))
	if err != nil {
		return false
	}
	for name, value := range b.Value.Headers {
		req.Header.Set(name, value)
	}
	resp, err := h.client.Do(req)
	if err != nil {
		return false
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 4<<10)) // so that the connection can be used again
	_ = resp.Body.Close()
	return resp.StatusCode >= 200 && resp.StatusCode < 300
}

// fields are what a webhook is told. A folder's name shows as its path.
func (a *api) fields(e store.Entry) map[string]string {
	kind := "file"
	if e.Node.Dir {
		kind = "directory"
	}
	f := map[string]string{
		"action": actions[e.Op], "interface": e.Protocol, "path": bare(e.Path), "at": e.At.UTC().Format(time.RFC3339),
		"username": e.User, "type": kind,
	}
	if e.From != "" {
		f["path"], f["destination"] = bare(e.From), bare(e.Path)
	}
	return f
}

// message encodes a delivery: as JSON, as a form, or with GET in the address.
func (h *hooks) message(ctx context.Context, b behavior, to string, fields map[string]string) (*http.Request, error) {
	form := url.Values{}
	for name, value := range fields {
		form.Set(name, value)
	}
	if b.Value.Method == http.MethodGet {
		u, err := url.Parse(to)
		if err != nil {
			return nil, err
		}
		u.RawQuery = form.Encode()
		return http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	}
	kind, body := "application/x-www-form-urlencoded", []byte(form.Encode())
	if b.Value.Encoding == "JSON" {
		encoded, err := json.Marshal(fields)
		if err != nil {
			return nil, err
		}
		kind, body = "application/json", encoded
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err == nil {
		req.Header.Set("Content-Type", kind)
	}
	return req, err
}
