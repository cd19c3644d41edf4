package exavault1

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/clientkit"
	"github.com/frugalfs/frugalfs/remote/ledger"
)

// The operations as the ledger and errors name them.
const (
	opLogin    = "login"
	opList     = "list"
	opTree     = "tree"
	opInfo     = "info"
	opMkdir    = "mkdir"
	opUpload   = "upload"
	opDownload = "download"
	opMove     = "move"
	opCopy     = "copy"
	opRename   = "rename"
	opDelete   = "delete"
	opActivity = "activity"
)

const (
	// maxAnswer is the most bytes of an answer that are read into memory: a
	// page of 100 entries, or what became of a batch, is far below.
	maxAnswer = 16 << 20
	// maxQuery is how many characters a GET's parameters may have: servers and
	// proxies take addresses of 8 KB at least. What is longer is sent as a form;
	// both ways are documented (the SDK, "Introduction"), and the form for large
	// sets.
	maxQuery = 6000
)

// call describes one request to the API, for sending it and for naming it in
// errors.
type call struct {
	op      string // as the ledger and errors name it
	about   string // the path that errors name
	name    string // as the API names it
	post    bool   // whether the SDK sends a form
	form    url.Values
	mutates bool // whether it changes anything at the provider
}

// ask sends a request with a token, and once more with a new one if that has
// expired: a request that was refused for that has done nothing.
func (c *Client) ask(ctx context.Context, k call) (a *answer, err error) {
	err = c.session.Do(ctx, expired, k.own, func(token string) error {
		a, err = c.send(ctx, k, token)
		return err
	})
	return a, err
}

// expired tells whether a request was refused for its token.
func expired(err error) bool { return remote.IsKind(err, remote.Auth) }

// own names the call in an error of the sign-in that it needed. The call itself
// never left.
func (k call) own(err error) error {
	e := clientkit.Lost(k.op, k.about, false, err)
	e.Unknown = false
	return e
}

// send sends a request and reads its answer.
func (c *Client) send(ctx context.Context, k call, token string) (*answer, error) {
	req, err := c.request(ctx, k, token)
	if err != nil {
		return nil, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, clientkit.Lost(k.op, k.about, k.mutates, err)
	}
	defer finish(resp)
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, clientkit.Broken(k.op, k.about, k.mutates, resp, err)
	case len(b) > maxAnswer:
		return nil, k.corrupt("the answer is too long", nil)
	}
	a, err := k.read(resp, b)
	if e, ok := errors.AsType[*remote.Error](err); ok && e.Kind == remote.Budget && c.throttle != nil {
		c.throttle(e.RetryAfter)
	}
	return a, err
}

// request makes a request: the token is a parameter like the others (the SDK).
func (c *Client) request(ctx context.Context, k call, token string) (*http.Request, error) {
	form := url.Values{}
	maps.Copy(form, k.form)
	if token != "" {
		form.Set("access_token", token)
	}
	text := encode(form)
	method, address, body := http.MethodGet, c.base.String()+"/"+k.name, io.Reader(nil)
	if k.post || len(text) > maxQuery {
		method, body = http.MethodPost, strings.NewReader(text)
	} else {
		address += "?" + text
	}
	req, err := http.NewRequestWithContext(k.tag(ctx), method, address, body)
	if err != nil {
		return nil, &remote.Error{Kind: remote.Invalid, Op: k.op, Path: k.about, Detail: "the request cannot be made"}
	}
	maps.Copy(req.Header, c.header)
	if body != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return req, nil
}

// tag tells the ledger what it cannot see in the method.
func (k call) tag(ctx context.Context) context.Context {
	ctx = ledger.WithOp(ctx, k.op)
	switch {
	case k.mutates:
		return ledger.WithMutating(ctx)
	case k.op != opLogin:
		return ledger.WithRepeatable(ctx)
	}
	return ctx
}

// encode writes blanks as %20: "+" means a blank to some servers only.
func encode(q url.Values) string {
	return strings.ReplaceAll(q.Encode(), "+", "%20")
}

// answer is every answer of the API (the notes, "Response Format").
type answer struct {
	Success success         `json:"success"`
	Error   problem         `json:"error"`
	Results json.RawMessage `json:"results"`
}

// read parses an answer. Its status says nothing: 200 is for whatever could be
// parsed, 500 for what is malformed (the notes, "Status Codes"), and any other
// does not come from the API.
func (k call) read(resp *http.Response, b []byte) (*answer, error) {
	a := &answer{}
	err := clientkit.Lenient(json.Unmarshal(b, a))
	shaped := err == nil && bytes.HasPrefix(bytes.TrimSpace(b), []byte("{")) && (a.Success.OK || a.Error.told())
	switch {
	case resp.StatusCode != http.StatusOK:
		return nil, k.statusError(resp.StatusCode, shaped, a.Error)
	case !shaped:
		return nil, k.corrupt("the answer is not the API's ("+resp.Header.Get("Content-Type")+")", err)
	case a.Success.N == 0:
		return nil, k.refused(a.Error)
	case a.Success.N == 1 && a.Error.told():
		return nil, k.corrupt("the answer contradicts itself: "+a.Error.Message.S, nil)
	}
	return a, nil
}

// corrupt makes an error of a success that makes no sense. What a mutating
// request came to is then unknown.
func (k call) corrupt(detail string, err error) *remote.Error {
	return &remote.Error{
		Kind: remote.Corrupt, Op: k.op, Path: k.about, Status: http.StatusOK,
		Detail: clientkit.Clean(detail), Err: err, Unknown: k.mutates,
	}
}

// finish drains an answer and closes it. The linter that looks for answers left
// open sees it only in the package that got them.
func finish(resp *http.Response) {
	clientkit.Drain(resp)
	_ = resp.Body.Close()
}
