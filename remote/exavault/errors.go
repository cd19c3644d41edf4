package exavault

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/clientkit"
)

// maxErrorBody is how much of an error's body is read.
const maxErrorBody = 64 << 10

// wireError is one entry of "errors" (the reference, "Error Responses"). All
// of it may be null.
type wireError struct {
	Code   clientkit.Text `json:"code"`
	Title  clientkit.Text `json:"title"`
	Detail clientkit.Text `json:"detail"`
	Meta   meta           `json:"meta"`
}

type wireErrors []wireError

// detail returns what the first error says about itself, "" for nothing.
func (es wireErrors) detail() string {
	for _, e := range es {
		for _, t := range []clientkit.Text{e.Detail, e.Title, e.Code} {
			if t.S != "" {
				return clientkit.Clean(t.S)
			}
		}
	}
	return ""
}

// refused makes an error of an answer whose status is no success.
func (k call) refused(resp *http.Response) *remote.Error {
	b, _ := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody)) // what came is all there is to say
	var body struct {
		Status clientkit.Number `json:"responseStatus"`
		Errors wireErrors       `json:"errors"`
	}
	shaped := clientkit.Lenient(json.Unmarshal(b, &body)) == nil && (body.Status.OK || body.Errors != nil)
	e := k.statusError(resp.StatusCode, body.Errors.detail())
	e.RetryAfter = retryAfter(resp.Header.Get("Retry-After"), now())
	if !shaped {
		k.distrust(e, resp.Header.Get("Content-Type"))
	}
	return e
}

// distrust corrects the error made of an answer that did not come from the
// API: a proxy's 404 does not prove that anything is absent.
func (k call) distrust(e *remote.Error, contentType string) {
	if e.Detail == "" {
		e.Detail = clientkit.Clean("the answer is not the API's (" + contentType + ")")
	}
	if e.Kind == remote.NotExist {
		e.Kind, e.Unknown = remote.Temporary, k.mutates
	}
}

// statusError makes the error for an HTTP status, be it of a whole answer or
// of one item in a 207. The status decides, never a code (the reference,
// "HTTP Status Codes", names only some of the codes).
func (k call) statusError(status int, detail string) *remote.Error {
	e := &remote.Error{Kind: kindOf(status, detail), Op: k.op, Path: k.about, Status: status, Detail: detail}
	if e.Kind == remote.Temporary {
		e.Unknown = k.mutates
	}
	if status == http.StatusBadRequest {
		k.badListing(e)
	}
	return e
}

// badListing reads a 400 for a listing: the reference does not say what a file
// gets that is listed as a folder, and a server may have no search.
func (k call) badListing(e *remote.Error) {
	switch {
	case k.op == opTree:
		e.Kind = remote.Unsupported
	case k.op == opList && clientkit.Says(e.Detail, "folder", "director"):
		e.Kind = remote.NotDir
	}
}

var statusKinds = map[int]remote.Kind{
	http.StatusUnauthorized:                 remote.Auth,
	http.StatusPaymentRequired:              remote.Permission,
	http.StatusForbidden:                    remote.Permission,
	http.StatusNotFound:                     remote.NotExist,
	http.StatusMethodNotAllowed:             remote.Unsupported,
	http.StatusRequestTimeout:               remote.Temporary,
	http.StatusConflict:                     remote.Exist,
	http.StatusPreconditionFailed:           remote.Conflict,
	http.StatusRequestEntityTooLarge:        remote.TooLarge,
	http.StatusRequestedRangeNotSatisfiable: remote.OutOfRange,
	http.StatusLocked:                       remote.Busy,
	http.StatusTooManyRequests:              remote.Budget,
	http.StatusNotImplemented:               remote.Unsupported,
	http.StatusInsufficientStorage:          remote.StorageFull,
}

func kindOf(status int, detail string) remote.Kind {
	if k, ok := statusKinds[status]; ok {
		return k
	}
	switch {
	case status >= 500:
		return remote.Temporary
	case status >= 400:
		return badRequest(detail)
	}
	return remote.Corrupt // a redirect, or a status that no server should send
}

// badRequest reads out of a 400's words what was wrong. The reference has one
// status for all of it, and no list of the words; those that say nothing known
// leave it at Invalid.
func badRequest(detail string) remote.Kind {
	switch {
	case clientkit.Says(detail, "not exist", "n't exist", "not found", "no such", "non-exist", "nonexist"):
		return remote.Invalid // a 400 is no proof of absence
	case clientkit.Says(detail, "not a folder", "not a dir"):
		return remote.NotDir
	case clientkit.Says(detail, "exist", "already", "taken", "duplicate", "same name", "conflict", "in use"):
		return remote.Exist
	case clientkit.Says(detail, "quota", "disk space", "storage"):
		return remote.StorageFull
	case clientkit.Says(detail, "too long"):
		return remote.NameTooLong
	case clientkit.Says(detail, "character", "illegal name", "name is", "invalid name", "invalid file name", "invalid filename", "invalid folder name"):
		return remote.InvalidName
	}
	return remote.Invalid
}

// retryAfter reads a Retry-After header, in seconds or as a date; 0 if there
// is none or it makes no sense.
func retryAfter(h string, at time.Time) time.Duration {
	const most = 24 * time.Hour
	d := time.Duration(0)
	if s, err := strconv.ParseInt(h, 10, 32); err == nil {
		d = time.Duration(s) * time.Second
	} else if t, err := http.ParseTime(h); err == nil {
		d = t.Sub(at)
	}
	return min(max(d, 0), most)
}

// identifier writes a resource as requests name it (the reference,
// "Identifying Resources").
func identifier(op string, ref remote.Ref) (string, error) {
	if ref.ID != "" {
		if _, err := strconv.ParseUint(ref.ID, 10, 63); err != nil {
			return "", &remote.Error{Kind: remote.Invalid, Op: op, Path: ref.Path, Detail: fmt.Sprintf("%.40q is no id", ref.ID)}
		}
		return "id:" + ref.ID, nil
	}
	if !strings.HasPrefix(ref.Path, "/") {
		return "", &remote.Error{Kind: remote.Invalid, Op: op, Path: ref.Path, Detail: "neither an id nor an absolute path"}
	}
	return ref.Path, nil
}

func identifiers(op string, refs []remote.Ref) ([]string, error) {
	ids := make([]string, len(refs))
	for i, r := range refs {
		id, err := identifier(op, r)
		if err != nil {
			return nil, err
		}
		ids[i] = id
	}
	return ids, nil
}
