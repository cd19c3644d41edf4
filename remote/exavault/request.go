package exavault

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/clientkit"
	"github.com/frugalfs/frugalfs/remote/ledger"
)

// maxAnswer is the most bytes of an answer about single resources or one batch
// that are read into memory.
const maxAnswer = 16 << 20

// call describes one request, for sending it and for naming it in errors.
type call struct {
	op      string // the operation, as the ledger and errors name it
	about   string // the path that errors name
	method  string
	path    string // below the API's address
	query   url.Values
	body    any         // sent as JSON if not nil
	header  http.Header // beside what every request carries
	mutates bool        // whether it changes anything at the provider
}

// send makes the request and returns its answer if the status is 2xx; the
// caller closes it.
func (c *Client) send(ctx context.Context, k call) (*http.Response, error) {
	var body io.Reader
	if k.body != nil {
		b, err := json.Marshal(k.body)
		if err != nil {
			return nil, remote.E(remote.Invalid, k.op, k.about, err)
		}
		body = bytes.NewReader(b)
	}
	req, err := c.request(ctx, k, body)
	if err != nil {
		return nil, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return c.roundTrip(req, k)
}

// request makes a request with all that every request carries.
func (c *Client) request(ctx context.Context, k call, body io.Reader) (*http.Request, error) {
	u := c.base + k.path
	if q := encodeQuery(k.query); q != "" {
		u += "?" + q
	}
	req, err := http.NewRequestWithContext(ledger.WithOp(ctx, k.op), k.method, u, body)
	if err != nil {
		return nil, remote.E(remote.Invalid, k.op, k.about, err)
	}
	for _, h := range []http.Header{c.header, k.header} {
		for name, values := range h {
			req.Header[name] = values
		}
	}
	return req, nil
}

// finish drains an answer and closes it.
func finish(resp *http.Response) {
	clientkit.Drain(resp)
	_ = resp.Body.Close()
}

// encodeQuery writes blanks as %20: "+" means a blank to some servers only.
func encodeQuery(q url.Values) string {
	return strings.ReplaceAll(q.Encode(), "+", "%20")
}

func (c *Client) roundTrip(req *http.Request, k call) (*http.Response, error) {
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, k.lost(err)
	}
	if resp.StatusCode/100 == 2 {
		return resp, nil
	}
	defer finish(resp)
	return nil, k.refused(resp)
}

// lost makes an error of a request, or the reading of an answer, that failed
// on the way.
func (k call) lost(err error) *remote.Error { return clientkit.Lost(k.op, k.about, k.mutates, err) }

// broken makes an error of an answer that could not be read to its end.
func (k call) broken(resp *http.Response, err error) *remote.Error {
	return clientkit.Broken(k.op, k.about, k.mutates, resp, err)
}

// corrupt makes an error of a success that makes no sense. What a mutating
// request came to is then unknown.
func (k call) corrupt(status int, detail string, err error) *remote.Error {
	return &remote.Error{
		Kind: remote.Corrupt, Op: k.op, Path: k.about, Status: status,
		Detail: clientkit.Clean(detail), Err: err, Unknown: k.mutates,
	}
}

// answer is the part of every JSON answer that the client reads.
type answer struct {
	Status    clientkit.Number `json:"responseStatus"`
	Data      json.RawMessage  `json:"data"`
	Meta      meta             `json:"meta"`
	Errors    wireErrors       `json:"errors"`
	Responses []item           `json:"responses"`

	http  int  // the HTTP status
	empty bool // whether there was no body at all
}

// ask sends a request and reads its JSON answer.
func (c *Client) ask(ctx context.Context, k call) (*answer, error) {
	resp, err := c.send(ctx, k)
	if err != nil {
		return nil, err
	}
	defer finish(resp)
	return k.read(resp)
}

// read parses the answer to a request that succeeded.
func (k call) read(resp *http.Response) (*answer, error) {
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, k.broken(resp, err)
	case len(b) > maxAnswer:
		return nil, k.corrupt(resp.StatusCode, "the answer is too long", nil)
	}
	a := &answer{http: resp.StatusCode}
	if len(bytes.TrimSpace(b)) == 0 {
		a.empty = true
		return a, nil
	}
	if err := clientkit.Lenient(json.Unmarshal(b, a)); err != nil || b[firstByte(b)] != '{' {
		return nil, k.corrupt(resp.StatusCode, "the answer is no JSON object ("+resp.Header.Get("Content-Type")+")", err)
	}
	if a.Status.OK && a.Status.N >= 400 {
		return nil, k.corrupt(resp.StatusCode, "the answer contradicts its status: "+a.Errors.detail(), nil)
	}
	return a, nil
}

// firstByte returns the index of the first byte of b that is no blank; b must
// have one.
func firstByte(b []byte) int { return len(b) - len(bytes.TrimLeft(b, " \t\r\n")) }
