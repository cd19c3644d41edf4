package exavault

import (
	"bytes"
	"context"
	"crypto/md5" //nolint:gosec // the published signature is an MD5
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/frugalfs/frugalfs/remote/sandbox/store"
)

// maxAttempts is how often a message is sent ("up to 8 times with increasing
// timeouts between each attempt").
const maxAttempts = 8

// Notify queues what webhooks may be told about.
func (a *api) Notify(e store.Entry) {
	if e.Failed {
		return
	}
	h := a.hooks
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

// pump starts a delivery for each webhook that an entry concerns.
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
	for _, k := range h.all() {
		if k.Failed || !k.Triggers.on(e.Op) {
			continue
		}
		folder, err := h.a.Store.ByID(k.Folder)
		if err != nil || !under(e.Path, folder.Path) && !under(e.From, folder.Path) {
			continue
		}
		m := message{hook: k, entry: e, watched: folder.Path}
		h.tasks.Go(func() { h.deliver(m) })
	}
}

func under(p, folder string) bool {
	return p == folder || strings.HasPrefix(p, strings.TrimSuffix(folder, "/")+"/")
}

// message is what one webhook is told about one entry.
type message struct {
	hook    hook
	entry   store.Entry
	watched string // the path of the folder
	resend  bool
}

// deliver sends a message until the endpoint accepts it, with growing pauses;
// after the last attempt the webhook is switched off.
func (h *hooks) deliver(m message) {
	pause := h.a.HookPause
	for n := 1; n <= maxAttempts; n++ {
		if h.attempt(m, n) {
			return
		}
		select {
		case <-time.After(pause):
		case <-h.a.Context.Done():
			return
		}
		pause *= 2
	}
	if k, ok := h.get(m.hook.ID); ok {
		k.Failed = true
		if err := h.put(k); err != nil {
			h.a.Logger.Warn("sandbox: cannot keep a webhook", "err", err)
		}
	}
}

// attempt sends a message once and logs that.
func (h *hooks) attempt(m message, n int) bool {
	select {
	case h.sem <- struct{}{}:
	case <-h.a.Context.Done():
		return false
	}
	defer func() { <-h.sem }()
	t := attempt{message: m, n: n, at: h.a.Now(), body: h.a.payload(m, n)}
	t.status, t.response = h.post(h.a.Context, m.hook, t.body)
	h.mu.Lock()
	defer h.mu.Unlock()
	t.id = h.nextID
	h.nextID++
	h.attempts = append(h.attempts, t)
	if len(h.attempts) > maxAttemptLog {
		h.attempts = h.attempts[len(h.attempts)-maxAttemptLog:]
	}
	return t.status >= 200 && t.status < 300
}

// post sends a body; status 0 means that there was no answer.
func (h *hooks) post(ctx context.Context, k hook, body []byte) (status int, response string) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, k.Endpoint, bytes.NewReader(body))
	if err != nil {
		return 0, err.Error()
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Exavault-Signature", signature(k.Token, body))
	resp, err := h.client.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer func() { _ = resp.Body.Close() }() // it was only read
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 4<<10))
	return resp.StatusCode, string(text)
}

// signature is the introduction's "Comparing the Signature".
func signature(token string, body []byte) string {
	sum := md5.Sum(append([]byte(token), body...)) //nolint:gosec // as published
	return hex.EncodeToString(sum[:])
}

// words are the operations of v1 messages, events those of v2.
var (
	words = map[store.Op]string{
		store.OpUpload: "Upload", store.OpDownload: "Download", store.OpDelete: "Delete", store.OpMkdir: "Create Folder",
		store.OpRename: "Rename", store.OpMove: "Move", store.OpCopy: "Copy",
		store.OpCompress: "Compress", store.OpExtract: "Extract",
	}
	events = map[store.Op]string{
		store.OpUpload: "resources.upload", store.OpDownload: "resources.download", store.OpDelete: "resources.delete",
		store.OpMkdir: "resources.createFolder", store.OpRename: "resources.rename", store.OpMove: "resources.move",
		store.OpCopy: "resources.copy", store.OpCompress: "resources.compress", store.OpExtract: "resources.extract",
	}
)

// payloadV1 has the order of the published examples.
type payloadV1 struct {
	AccountName string `json:"accountname"`
	Username    string `json:"username"`
	Operation   string `json:"operation"`
	Protocol    string `json:"protocol"`
	Path        string `json:"path"`
	SourcePath  string `json:"sourcepath"`
	Attempt     int    `json:"attempt"`
}

// payloadV2 is the schema WebhookV2Details.
type payloadV2 struct {
	AccountName    string    `json:"accountName"`
	Username       string    `json:"username"`
	Event          string    `json:"event"`
	EventTimestamp string    `json:"eventTimestamp"`
	Protocol       string    `json:"protocol"`
	IPAddress      string    `json:"ipAddress"`
	AttemptID      string    `json:"attemptId"`
	EventData      eventData `json:"eventData"`
}

type eventData struct {
	Resources      []eventResource `json:"resources"`
	TransferStatus string          `json:"transferStatus"`
	Share          []any           `json:"share"`
	FormDetails    []any           `json:"formDetails"`
}

type eventResource struct {
	ID int64 `json:"id"`
	attributes
}

// payload makes the exact bytes of a message. Slashes are escaped, as the
// signatures of the published examples show.
func (a *api) payload(m message, n int) []byte {
	e := m.entry
	var v any = payloadV1{a.Account, e.User, words[e.Op], e.Protocol, e.Path, e.From, n}
	if m.hook.Version == "v2" {
		v = a.payloadV2(m, n)
	}
	return escaped(v)
}

func (a *api) payloadV2(m message, n int) payloadV2 {
	e := m.entry
	at := a.shape(e.Node).Attributes
	at.Path, at.Name = e.Node.Path, e.Node.Name
	data := eventData{Resources: []eventResource{{e.Node.ID, at}}, Share: []any{}, FormDetails: []any{}}
	if e.Op == store.OpUpload || e.Op == store.OpDownload {
		data.TransferStatus = "success"
	}
	return payloadV2{
		a.Account, e.User, events[e.Op], stamp(e.At), e.Protocol, e.IP,
		fmt.Sprintf("%d-%d", e.ID, n), data,
	}
}

func escaped(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return []byte("{}") // only values of our own types come here
	}
	return bytes.ReplaceAll(bytes.TrimSpace(b.Bytes()), []byte("/"), []byte(`\/`))
}
