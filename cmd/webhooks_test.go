package cmd

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/frugalfs/frugalfs/remote"
)

// inbox takes in deliveries for a test.
type inbox struct {
	refused int
	bodies  []string
	answer  error
}

func (b *inbox) Deliver(secret string, _ *http.Request, body []byte) error {
	b.bodies = append(b.bodies, secret+" "+string(body))
	return b.answer
}

func (b *inbox) RefuseHook() { b.refused++ }

// TestHookServer answers deliveries over the network.
func TestHookServer(t *testing.T) {
	box := &inbox{}
	s, err := serveHooks(t.Context(), "127.0.0.1:0", "token", box)
	must(t, err)
	transport := &http.Transport{DisableKeepAlives: true}
	send := func(method string, body io.Reader) int {
		req, err := http.NewRequestWithContext(t.Context(), method, "http://"+s.listen.Addr().String()+"/any/path", body)
		must(t, err)
		resp, err := transport.RoundTrip(req)
		must(t, err)
		must(t, resp.Body.Close())
		return resp.StatusCode
	}
	for _, c := range []struct {
		err  error
		want int
	}{
		{nil, http.StatusNoContent},
		{remote.E(remote.Permission, "", "", nil), http.StatusForbidden},
		{remote.E(remote.Corrupt, "", "", nil), http.StatusBadRequest},
		{remote.E(remote.NoSpace, "", "", nil), http.StatusServiceUnavailable},
	} {
		box.answer = c.err
		if got := send(http.MethodPost, strings.NewReader("x")); got != c.want {
			t.Errorf("%v is answered %d, want %d", c.err, got, c.want)
		}
	}
	if len(box.bodies) != 4 || box.bodies[0] != "token x" || box.refused != 0 {
		t.Errorf("delivered: %q, refused %d", box.bodies, box.refused)
	}
	if got := send(http.MethodGet, nil); got != http.StatusMethodNotAllowed {
		t.Errorf("GET is answered %d", got)
	}
	if got := send(http.MethodPost, bytes.NewReader(make([]byte, maxHook+1))); got != http.StatusRequestEntityTooLarge {
		t.Errorf("a message that is too long is answered %d", got)
	}
	if len(box.bodies) != 4 || box.refused != 2 {
		t.Errorf("delivered: %d, refused %d", len(box.bodies), box.refused)
	}
	if _, err := serveHooks(t.Context(), s.listen.Addr().String(), "token", box); err == nil || !strings.Contains(err.Error(), "--webhook-listen") {
		t.Errorf("an address that is in use: %v", err)
	}
	must(t, s.close())
}
