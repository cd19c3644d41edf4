package exavault

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/sandbox/store"
)

// triggers is the schema WebhookTriggers. What is left out is false.
type triggers struct {
	Resources struct {
		Upload       bool `json:"upload"`
		Download     bool `json:"download"`
		Delete       bool `json:"delete"`
		CreateFolder bool `json:"createFolder"`
		Rename       bool `json:"rename"`
		Move         bool `json:"move"`
		Copy         bool `json:"copy"`
		Compress     bool `json:"compress"`
		Extract      bool `json:"extract"`
	} `json:"resources"`
	Shares struct {
		FormSubmit bool `json:"formSubmit"`
	} `json:"shares"`
}

func (t *triggers) on(op store.Op) bool {
	r := &t.Resources
	return map[store.Op]bool{
		store.OpUpload: r.Upload, store.OpDownload: r.Download, store.OpDelete: r.Delete, store.OpMkdir: r.CreateFolder,
		store.OpRename: r.Rename, store.OpMove: r.Move, store.OpCopy: r.Copy,
		store.OpCompress: r.Compress, store.OpExtract: r.Extract,
	}[op]
}

// hook is a webhook as it is kept.
type hook struct {
	ID       int64     `json:"id"`
	Endpoint string    `json:"endpoint"`
	Folder   int64     `json:"folder"` // the id of the top folder watched
	Version  string    `json:"version"`
	Triggers triggers  `json:"triggers"`
	Token    string    `json:"token"`
	Created  time.Time `json:"created"`
	Modified time.Time `json:"modified"`
	Failed   bool      `json:"failed"`
}

// hookKind is under which name the store keeps webhooks.
const hookKind = "exavault-webhook"

// hooks holds the webhooks and delivers what they are to be told.
type hooks struct {
	a      *api
	client *http.Client
	sem    chan struct{}  // bounds deliveries at once
	tasks  sync.WaitGroup // the pump and all deliveries
	wake   chan struct{}  // there is something in the queue

	// mu guards what follows.
	mu       sync.Mutex
	byID     map[int64]*hook
	queue    []store.Entry
	attempts []attempt // the log, oldest first
	nextID   int64     // of the log
}

func newHooks(a *api) (*hooks, error) {
	h := &hooks{
		a: a, byID: map[int64]*hook{}, wake: make(chan struct{}, 1), sem: make(chan struct{}, 8), nextID: 2602725,
		client: &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{}},
	}
	for id, raw := range a.Store.Records(hookKind) {
		var k hook
		if err := json.Unmarshal(raw, &k); err != nil {
			return nil, remote.E(remote.Corrupt, "open", "", err)
		}
		h.byID[id] = &k
	}
	h.tasks.Go(h.pump)
	return h, nil
}

func (h *hooks) close() {
	h.tasks.Wait()
	h.client.CloseIdleConnections()
}

// all returns copies of the webhooks, in the order they were made.
func (h *hooks) all() []hook {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := make([]hook, 0, len(h.byID))
	for _, k := range h.byID {
		out = append(out, *k)
	}
	slices.SortFunc(out, func(a, b hook) int { return int(a.ID - b.ID) })
	return out
}

func (h *hooks) get(id int64) (hook, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if k := h.byID[id]; k != nil {
		return *k, true
	}
	return hook{}, false
}

func (h *hooks) put(k hook) error {
	h.mu.Lock()
	h.byID[k.ID] = &k
	h.mu.Unlock()
	return h.a.Store.PutRecord(hookKind, k.ID, k)
}

func (h *hooks) remove(id int64) error {
	h.mu.Lock()
	delete(h.byID, id)
	h.mu.Unlock()
	return h.a.Store.PutRecord(hookKind, id, nil)
}

func newToken() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// hookBody is the body of POST and PATCH.
type hookBody struct {
	EndpointURL, Resource, ResponseVersion string
	Triggers                               *triggers
}

// apply changes a webhook as a body says.
func (a *api) apply(k *hook, b hookBody) error {
	if b.EndpointURL != "" {
		u, err := url.Parse(b.EndpointURL)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return invalid("Parameter endpointUrl is not valid.")
		}
		k.Endpoint = b.EndpointURL
	}
	if b.ResponseVersion != "" {
		if b.ResponseVersion != "v1" && b.ResponseVersion != "v2" {
			return invalid("Parameter responseVersion is not valid.")
		}
		k.Version = b.ResponseVersion
	}
	if b.Resource != "" {
		n, err := a.resolveDir(b.Resource)
		if err != nil {
			return err
		}
		k.Folder = n.ID
	}
	if b.Triggers != nil {
		k.Triggers = *b.Triggers
	}
	k.Modified, k.Failed = a.Now(), false
	return nil
}
