package yetishare

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/clientkit"
	"github.com/frugalfs/frugalfs/remote/ledger"
)

// The operations as the ledger and errors name them.
const (
	opSignIn   = "authorize"
	opSignOut  = "sign out"
	opList     = "list"
	opInfo     = "info"
	opMkdir    = "mkdir"
	opUpload   = "upload"
	opDownload = "download"
	opFetch    = "fetch" // the content itself, no transaction
	opMove     = "move"
	opCopy     = "copy"
	opRename   = "rename"
	opDelete   = "delete"
	opPackage  = "account"
)

// maxAnswer is the most bytes of an answer that are read: a listing has all
// entries of a folder, some 500 bytes for each.
const maxAnswer = 64 << 20

// call describes one request, for sending it and for naming it in errors.
type call struct {
	op    string // the operation, as the ledger and errors name it
	about string // the path that errors name
	path  string // below the API's address
	form  url.Values
	// named is true if the request names a file or folder, other than the
	// account's root: an error may then be about that.
	named bool
	// mutates is true if it changes anything at the site, repeatable if sending
	// it twice does no harm nevertheless.
	mutates, repeatable bool
}

// ask sends a request, with a token, and returns its answer if it is a success.
func (c *Client) ask(ctx context.Context, k call) (*answer, error) {
	return c.withToken(ctx, k, func(t token) (*answer, error) { return c.post(ctx, k, t) })
}

// withToken makes a request. If the site does not take the token any more, or
// gives a reason that is no reason, it signs in once and makes it once again.
func (c *Client) withToken(ctx context.Context, k call, send func(token) (*answer, error)) (a *answer, err error) {
	err = c.session.Do(ctx, k.expired, k.unsent, func(t token) error {
		a, err = send(t)
		return err
	})
	return a, err
}

// expired tells whether a request may have been refused for its token.
func (k call) expired(err error) bool {
	return errors.Is(err, errExpired) || errors.Is(err, errUnexplained) && !k.named
}

// unsent names the request in an error of the sign-in before it.
func (k call) unsent(err error) error {
	var e *remote.Error
	if !errors.As(err, &e) {
		return err
	}
	named := *e
	named.Path, named.Unknown = k.about, false
	return &named
}

// post sends a form ("HTTP Method": everything is a POST).
func (c *Client) post(ctx context.Context, k call, t token) (*answer, error) {
	form := url.Values{}
	for name, values := range k.form {
		form[name] = values
	}
	if t != (token{}) {
		form["access_token"], form["account_id"] = []string{t.access}, []string{t.account}
	}
	req, err := c.request(ctx, k, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return c.roundTrip(req, k)
}

func (c *Client) request(ctx context.Context, k call, body io.Reader) (*http.Request, error) {
	ctx = ledger.WithOp(ctx, k.op)
	if k.op != opSignIn && (!k.mutates || k.repeatable) {
		ctx = ledger.WithRepeatable(ctx)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+k.path, body)
	if err != nil {
		return nil, remote.E(remote.Invalid, k.op, k.about, errors.New("the address cannot be made"))
	}
	req.Header.Set("User-Agent", "frugalfs")
	req.Header.Set("Accept", "application/json")
	return req, nil
}

func (c *Client) roundTrip(req *http.Request, k call) (*answer, error) {
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
		return nil, k.corrupt(resp.StatusCode, "the answer is too long", nil)
	}
	a, err := k.read(resp, b)
	if err == nil {
		c.zone.note(a.Datetime.S, resp.Header, c.now())
	}
	return a, err
}

// read judges an answer: by its status, and by what it says, both of which can
// tell an error ("Error Handling").
func (k call) read(resp *http.Response, body []byte) (*answer, error) {
	body = bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\ufeff")))
	a := &answer{}
	isJSON := len(body) > 0 && body[0] == '{' && clientkit.Lenient(json.Unmarshal(body, a)) == nil
	switch {
	case resp.StatusCode/100 != 2:
		return nil, k.refused(resp.StatusCode, a, isJSON)
	case !isJSON:
		return nil, k.corrupt(resp.StatusCode, "the answer is a page and not the API's ("+resp.Header.Get("Content-Type")+")", nil)
	case !a.good():
		return nil, k.explain(resp.StatusCode, a.sentence())
	}
	return a, nil
}

// corrupt makes an error of an answer that makes no sense. What a mutating
// request came to is then unknown.
func (k call) corrupt(status int, detail string, err error) *remote.Error {
	return &remote.Error{
		Kind: remote.Corrupt, Op: k.op, Path: k.about, Status: status,
		Detail: clientkit.Clean(detail), Err: err, Unknown: k.mutates,
	}
}

// finish drains an answer and closes it. The linter that looks for answers left
// open sees it only in the package that got them.
func finish(resp *http.Response) {
	clientkit.Drain(resp)
	_ = resp.Body.Close()
}
