package filescom

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

// maxAnswer is the most bytes of an answer that are read into memory: a page of
// 10,000 entries with long paths fits.
const maxAnswer = 64 << 20

// The operations as the ledger and errors name them.
const (
	opSession  = "login"
	opList     = "list"
	opTree     = "tree"
	opInfo     = "info"
	opMkdir    = "mkdir"
	opBegin    = "begin"
	opUpload   = "upload"
	opPut      = "put"
	opDownload = "download"
	opContent  = "content"
	opMove     = "move"
	opCopy     = "copy"
	opRename   = "rename"
	opDelete   = "delete"
	opMigrate  = "migration"
	opTouch    = "touch"
	opActivity = "activity"
)

// call describes one request, for sending it and for naming it in errors.
type call struct {
	op      string // the operation, as the ledger and errors name it
	about   string // the path that errors name
	method  string
	path    string // below the API's address, escaped
	query   url.Values
	body    any  // sent as JSON if not nil
	mutates bool // whether it changes anything that can be seen
	again   bool // whether it may be repeated although it is no GET
	once    bool // whether a 401 is final: the sign-in itself
}

// pathIn makes the path of a request about an object (the reference,
// "Specifying file path names").
func pathIn(collection, full string) string {
	var b strings.Builder
	b.WriteString(collection)
	for name := range strings.SplitSeq(strings.Trim(full, "/"), "/") {
		if name == "" {
			continue
		}
		b.WriteByte('/')
		// A plus sign means a blank to some servers.
		b.WriteString(strings.ReplaceAll(url.PathEscape(name), "+", "%2B"))
	}
	return b.String()
}

// wirePath is a path as bodies and answers have it.
func wirePath(full string) string { return strings.Trim(full, "/") }

// send makes the request, in a new session if the old one is not accepted any
// more, and returns its answer if the status is 2xx; the caller closes it.
func (c *Client) send(ctx context.Context, k call) (resp *http.Response, err error) {
	err = c.session.Do(ctx, signedOut, k.named, func(id string) error {
		resp, err = c.attempt(ctx, k, id) //nolint:bodyclose // the caller closes it
		return err
	})
	return resp, err
}

// signedOut tells whether a request was refused for its session.
func signedOut(err error) bool {
	e, ok := errors.AsType[*remote.Error](err)
	return ok && e.Status == http.StatusUnauthorized
}

// named is an error of the sign-in as one of the call that needed it. Nothing
// of the call itself left.
func (k call) named(err error) error {
	e, ok := errors.AsType[*remote.Error](err)
	if !ok {
		return err
	}
	named := *e
	named.Op, named.Path, named.Unknown = k.op, k.about, false
	return &named
}

// attempt sends the request once.
func (c *Client) attempt(ctx context.Context, k call, session string) (*http.Response, error) {
	req, err := c.request(ctx, k, session)
	if err != nil {
		return nil, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, k.lost(err)
	}
	if resp.StatusCode/100 == 2 {
		return resp, nil
	}
	defer finish(resp)
	e := k.refused(resp, c.now())
	if classOf(e) != "" {
		c.flow.today()
	}
	return nil, e
}

// request makes a request with all that every request carries.
func (c *Client) request(ctx context.Context, k call, session string) (*http.Request, error) {
	u := c.base + k.path
	if q := strings.ReplaceAll(k.query.Encode(), "+", "%20"); q != "" {
		u += "?" + q
	}
	ctx = ledger.WithOp(ctx, k.op)
	if k.again {
		ctx = ledger.WithRepeatable(ctx)
	}
	var body io.Reader
	if k.body != nil {
		b, err := json.Marshal(k.body)
		if err != nil {
			return nil, remote.E(remote.Invalid, k.op, k.about, err)
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, k.method, u, body)
	if err != nil {
		return nil, remote.E(remote.Invalid, k.op, k.about, nil)
	}
	req.Header = c.header.Clone()
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if session != "" {
		req.Header.Set("X-FilesAPI-Auth", session) // the SDK
		req.Header.Set("X-BrickAPI-Auth", session) // the reference, "Using a session"
	}
	return req, nil
}

func (k call) lost(err error) *remote.Error { return clientkit.Lost(k.op, k.about, k.mutates, err) }

// corrupt makes an error of a success that makes no sense. What a mutating
// request came to is then unknown.
func (k call) corrupt(status int, detail string, err error) *remote.Error {
	return &remote.Error{
		Kind: remote.Corrupt, Op: k.op, Path: k.about, Status: status,
		Detail: clientkit.Clean(detail), Err: err, Unknown: k.mutates,
	}
}

// head is what surrounds the body of an answer.
type head struct {
	status int
	header http.Header
	empty  bool // whether there was no body
}

// ask sends a request and reads its JSON answer into to.
func (c *Client) ask(ctx context.Context, k call, to any) (head, error) {
	resp, err := c.send(ctx, k)
	if err != nil {
		return head{}, err
	}
	defer finish(resp)
	return k.read(resp, to)
}

// read reads the answer to a request that succeeded. There may be none; what
// there is must be JSON.
func (k call) read(resp *http.Response, to any) (head, error) {
	r := head{status: resp.StatusCode, header: resp.Header}
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
		return r, clientkit.Broken(k.op, k.about, k.mutates, resp, err)
	case len(b) > maxAnswer:
		return r, k.corrupt(resp.StatusCode, "the answer is too long", nil)
	}
	if r.empty = len(bytes.TrimSpace(b)) == 0; r.empty {
		return r, nil
	}
	if err := clientkit.Lenient(json.Unmarshal(b, to)); err != nil {
		return r, k.corrupt(resp.StatusCode, "the answer is no JSON ("+resp.Header.Get("Content-Type")+")", err)
	}
	return r, nil
}

// pathOf returns the path of an object; there are no ids.
func pathOf(op string, ref remote.Ref) (string, error) {
	full := ref.Path
	if full != "/" && !clientkit.ValidPath(full) {
		return "", &remote.Error{Kind: remote.Invalid, Op: op, Path: full, Detail: "no absolute path"}
	}
	if len(full) > maxPath {
		return "", &remote.Error{Kind: remote.NameTooLong, Op: op, Path: full}
	}
	return full, nil
}

// finish drains an answer and closes it. The linter that looks for answers left
// open sees it only in the package that got them.
func finish(resp *http.Response) {
	clientkit.Drain(resp)
	_ = resp.Body.Close()
}
