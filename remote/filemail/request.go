package filemail

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
	opInfo     = "info"
	opDownload = "download"
	opRename   = "rename"
	opMove     = "move"
	opDelete   = "delete"
	opUpload   = "upload"
	opMkdir    = "mkdir"
	opSend     = "send"
	opCancel   = "cancel"
)

// maxAnswer is the most bytes of an answer that are read into memory: the
// details of a transfer with a hundred thousand files fit.
const maxAnswer = 64 << 20

// call describes one request to the API, for sending it and for naming it in
// errors.
type call struct {
	op      string // as the ledger and errors name it
	about   string // the path that errors name
	method  string
	path    string // below the API's address
	query   url.Values
	form    url.Values // sent as a form
	body    any        // sent as JSON
	mutates bool       // whether it changes anything at the provider
}

// named sets what errors and the ledger call a request.
func (k call) named(op, about string) call {
	k.op, k.about = op, about
	return k
}

// ask sends a request with a token where one is needed, and once more with a new
// one if that has expired: a request that was refused for that has done nothing.
func (c *Client) ask(ctx context.Context, k call) (data json.RawMessage, err error) {
	err = c.session.Do(ctx, expired, k.own, func(token string) error {
		data, err = c.send(ctx, k, token)
		return err
	})
	return data, err
}

// expired tells whether a request was refused for its token alone.
func expired(err error) bool {
	e, ok := errors.AsType[*remote.Error](err)
	return ok && (numbered(err, codeInvalidToken) || e.Kind == remote.Auth && e.Status == http.StatusUnauthorized)
}

// own names the call in an error of the sign-in that it needed. The call itself
// never left.
func (k call) own(err error) error {
	e := clientkit.Lost(k.op, k.about, false, err)
	e.Unknown = false
	return e
}

// send sends a request and returns what its answer brings.
func (c *Client) send(ctx context.Context, k call, token string) (json.RawMessage, error) {
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
		return nil, k.corrupt(resp.StatusCode, "the answer is too long", nil)
	}
	return k.read(c.api, resp, b)
}

func (c *Client) request(ctx context.Context, k call, token string) (*http.Request, error) {
	address := c.base.String() + k.path
	if len(k.query) > 0 {
		address += "?" + encode(k.query)
	}
	body, kind, err := k.content(token)
	if err != nil {
		return nil, &remote.Error{Kind: remote.Invalid, Op: k.op, Path: k.about, Detail: "the request cannot be written"}
	}
	req, err := http.NewRequestWithContext(k.tag(ctx), k.method, address, body)
	if err != nil {
		return nil, &remote.Error{Kind: remote.Invalid, Op: k.op, Path: k.about, Detail: "the request cannot be made"}
	}
	maps.Copy(req.Header, c.api.header())
	req.Header.Set("User-Agent", "frugalfs")
	req.Header.Set("Accept", "application/json")
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	return req, nil
}

// content is the body of a request, and its type. Tokens travel in a form and
// never in an address, which ends up in logs.
func (k call) content(token string) (io.Reader, string, error) {
	switch {
	case k.form != nil:
		form := url.Values{}
		maps.Copy(form, k.form)
		if token != "" {
			form.Set("logintoken", token)
		}
		return strings.NewReader(encode(form)), "application/x-www-form-urlencoded", nil
	case k.body != nil:
		b, err := json.Marshal(k.body)
		return bytes.NewReader(b), "application/json", err
	}
	return nil, "", nil
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

// signIn returns what gets a token (classic, authentication/login).
func (c *Client) signIn(o Options) func(context.Context) (string, error) {
	k := classic{key: o.APIKey}.post("/authentication/login", url.Values{
		"username": {o.Username}, "password": {o.Password}, "source": {"Desktop"},
	}).named(opLogin, "")
	return func(ctx context.Context) (string, error) {
		b, err := c.send(ctx, k, "")
		if err != nil {
			return "", err
		}
		var got struct {
			Token clientkit.Text `json:"logintoken"`
		}
		err = clientkit.Lenient(json.Unmarshal(b, &got))
		if err != nil || got.Token.S == "" || address("").Secret("token", got.Token.S) != nil {
			return "", k.corrupt(http.StatusOK, "the answer brings no token", err)
		}
		c.addSecret(got.Token.S)
		return got.Token.S, nil
	}
}

// finish drains an answer and closes it. The linter that looks for answers left
// open sees it only in the package that got them.
func finish(resp *http.Response) {
	clientkit.Drain(resp)
	_ = resp.Body.Close()
}
