package filescom

import (
	"encoding/json"
	"errors"
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

// class is the name that the service gives an error, as "group/name" (the SDK).
type class string

// Error implements error: the class is the cause of the error made of it.
func (c class) Error() string { return string(c) }

// is tells whether the class has the name, in whatever group.
func (c class) is(name string) bool {
	s := string(c)
	return s[strings.LastIndexByte(s, '/')+1:] == name
}

// classOf returns the class of an error, "" if it has none.
func classOf(err error) class {
	c, _ := errors.AsType[class](err)
	return c
}

// problem is the body of an error: today's (the SDK), and the older one (the
// reference, "Errors"), which may name types too.
type problem struct {
	Error  clientkit.Text   `json:"error"`
	Title  clientkit.Text   `json:"title"`
	Detail clientkit.Text   `json:"detail"`
	Type   clientkit.Text   `json:"type"`
	Code   clientkit.Number `json:"http-code"`
	Errors []struct {
		Type    clientkit.Text `json:"type"`
		Message clientkit.Text `json:"message"`
	} `json:"errors"`
}

// words returns what a problem says about itself, "" for nothing.
func (p *problem) words() string {
	all := []clientkit.Text{p.Error, p.Detail, p.Title}
	for _, e := range p.Errors {
		all = append(all, e.Message, e.Type)
	}
	for _, t := range all {
		if t.S != "" {
			return clientkit.Clean(t.S)
		}
	}
	return ""
}

// refused makes an error of an answer whose status is no success.
func (k call) refused(resp *http.Response, now time.Time) *remote.Error {
	b, _ := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody)) // what came is all there is to say
	var p problem
	shaped := clientkit.Lenient(json.Unmarshal(b, &p)) == nil && (p.Error.OK || p.Code.OK || p.Type.OK)
	name := p.Type.S
	if h := resp.Header.Get("X-Files-Error-Class"); h != "" && name == "" {
		name = h
	}
	e := k.statusError(resp.StatusCode, class(clientkit.Clean(name)), p.words())
	e.RetryAfter = retryAfter(resp.Header.Get("Retry-After"), now)
	if !shaped && name == "" {
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

// statusError makes the error for a status, a class and words.
func (k call) statusError(status int, name class, words string) *remote.Error {
	e := &remote.Error{Kind: kindOf(status, name, words), Op: k.op, Path: k.about, Status: status, Detail: words}
	if name != "" {
		e.Err = name
	}
	if name.is("destination-parent-does-not-exist") && (k.op == opBegin || k.op == opUpload || k.op == opMkdir) {
		e.Kind = remote.NotExist
	}
	if e.Kind == remote.Temporary && status >= http.StatusInternalServerError || status == http.StatusRequestTimeout {
		e.Unknown = k.mutates
	}
	return e
}

var statusKinds = map[int]remote.Kind{
	http.StatusUnauthorized:                 remote.Auth,
	http.StatusPaymentRequired:              remote.Permission,
	http.StatusForbidden:                    remote.Permission,
	http.StatusNotFound:                     remote.NotExist,
	http.StatusMethodNotAllowed:             remote.Unsupported,
	http.StatusRequestTimeout:               remote.Temporary,
	http.StatusConflict:                     remote.Conflict,
	http.StatusPreconditionFailed:           remote.Conflict,
	http.StatusRequestEntityTooLarge:        remote.TooLarge,
	http.StatusRequestedRangeNotSatisfiable: remote.OutOfRange,
	http.StatusLocked:                       remote.Busy,
	http.StatusTooManyRequests:              remote.Budget,
	http.StatusNotImplemented:               remote.Unsupported,
	http.StatusInsufficientStorage:          remote.StorageFull,
}

// classKinds are the classes that say more than the status (the SDK).
var classKinds = map[string]remote.Kind{
	"destination-exists":                   remote.Exist,
	"destination-parent-conflict":          remote.NotDir,
	"destination-parent-does-not-exist":    remote.Conflict, // the source is there
	"destination-same":                     remote.Exist,    // by itself
	"folder-must-not-be-a-file":            remote.NotDir,
	"folder-not-empty":                     remote.NotEmpty,
	"cannot-download-directory":            remote.IsDir,
	"path-cannot-have-trailing-whitespace": remote.InvalidName,
	"invalid-filename":                     remote.InvalidName,
	"invalid-path":                         remote.InvalidName,
	"invalid-file-type":                    remote.InvalidName,
	"reserved-name":                        remote.InvalidName,
	"filename-too-long":                    remote.NameTooLong,
	"path-too-long":                        remote.NameTooLong,
	"folder-locked":                        remote.Busy,
	"resource-locked":                      remote.Busy,
	"subfolder-locked":                     remote.Busy,
	"file-upload-not-found":                remote.Temporary,
	"file-pending-upload-not-found":        remote.Temporary,
	"read-only-session":                    remote.ReadOnly,
}

func kindOf(status int, name class, words string) remote.Kind {
	for n, kind := range classKinds {
		if name.is(n) {
			return kind
		}
	}
	if uploadGone(status, name, words) {
		return remote.Temporary
	}
	if kind, ok := statusKinds[status]; ok {
		return kind
	}
	switch {
	case status >= 500:
		return remote.Temporary
	case status >= 400:
		return byWords(words)
	}
	return remote.Corrupt // a redirect, or a status that no server should send
}

// uploadGone tells whether the service has no upload of that ref any more: it
// was ended already, or it is too old.
func uploadGone(status int, name class, words string) bool {
	return status == http.StatusNotFound &&
		(name.is("file-upload-not-found") || name.is("file-pending-upload-not-found") || clientkit.Says(words, "upload not found"))
}

// byWords reads out of the words of a 400 or 422 what was wrong, where there is
// no class (the reference, "HTTP status codes", has one status for all of it).
func byWords(words string) remote.Kind {
	switch {
	case clientkit.Says(words, "not exist", "n't exist", "not found", "no such"):
		return remote.Invalid // a 400 is no proof of absence
	case clientkit.Says(words, "not a folder", "not a dir"):
		return remote.NotDir
	case clientkit.Says(words, "not empty"):
		return remote.NotEmpty
	case clientkit.Says(words, "exist", "already", "taken"):
		return remote.Exist
	case clientkit.Says(words, "quota", "storage limit", "disk space"):
		return remote.StorageFull
	case clientkit.Says(words, "too long"):
		return remote.NameTooLong
	case clientkit.Says(words, "whitespace", "invalid name", "invalid path", "character"):
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
