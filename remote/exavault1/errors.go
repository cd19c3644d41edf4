package exavault1

import (
	"encoding/json"
	"errors"
	"net/http"
	"path"
	"regexp"
	"strings"
	"time"
	"unicode"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/clientkit"
)

// penalty is how long everything is refused once the rate was exceeded (the
// SDK, "API Rate Limits").
const penalty = 15 * time.Minute

// success is 0, 1 or 2: failed, done, done in part. It may come as a string or
// a boolean; OK is false for everything else.
type success clientkit.Number

// UnmarshalJSON never fails: what is no outcome is not there.
func (s *success) UnmarshalJSON(b []byte) error {
	var f clientkit.Flag
	var n clientkit.Number
	_, _ = f.UnmarshalJSON(b), n.UnmarshalJSON(b) // they never fail
	switch {
	case f.OK && f.Yes:
		*s = success{N: 1, OK: true}
	case f.OK:
		*s = success{OK: true}
	default:
		*s = success{N: n.N, OK: n.OK && n.N >= 0 && n.N <= 2}
	}
	return nil
}

// problem is what an answer says went wrong. It may come as a bare text.
type problem struct {
	Code    clientkit.Number
	Message clientkit.Text
}

// UnmarshalJSON never fails: what cannot be read is not there.
func (p *problem) UnmarshalJSON(b []byte) error {
	*p = problem{}
	if b[0] != '{' {
		return p.Message.UnmarshalJSON(b)
	}
	var object struct {
		Code    clientkit.Number `json:"code"`
		Message clientkit.Text   `json:"message"`
	}
	if clientkit.Lenient(json.Unmarshal(b, &object)) == nil {
		p.Code, p.Message = object.Code, object.Message
	}
	return nil
}

func (p problem) told() bool { return p.Code.OK && p.Code.N != 0 || p.Message.S != "" }

// refused makes an error of an answer with success 0: nothing was done.
func (k call) refused(p problem) *remote.Error {
	e := &remote.Error{
		Op: k.op, Path: k.about, Status: http.StatusOK, Detail: clientkit.Clean(p.Message.S),
		Kind: k.kind(p),
	}
	if e.Kind == remote.Budget && !daily(k.words(p)) {
		e.RetryAfter = penalty
	}
	return e
}

// statusError makes an error of an answer whose status is not 200. It proves
// nothing about paths: what the API has to say about them comes with 200.
func (k call) statusError(status int, shaped bool, p problem) *remote.Error {
	e := &remote.Error{Kind: remote.Corrupt, Op: k.op, Path: k.about, Status: status, Detail: clientkit.Clean(p.Message.S)}
	switch {
	case status == http.StatusInternalServerError && shaped:
		// Malformed, by the notes. A server that broke down half-way through a
		// change may answer the same.
		e.Kind, e.Unknown = remote.Invalid, k.mutates
	case status >= 500, status == http.StatusRequestTimeout:
		e.Kind, e.Unknown = remote.Temporary, k.mutates
	case status == http.StatusUnauthorized:
		e.Kind = remote.Auth
	case status == http.StatusForbidden:
		e.Kind = remote.Permission
	case status == http.StatusNotFound:
		e.Kind, e.Detail = remote.Other, "the server has no such API; check the address, and the API's path in it"
	default:
		e.Unknown = k.mutates
	}
	return e
}

// codes are what is known of the error codes: 100 is published (the notes,
// "Example Failed Response Body"), and servers use those of HTTP.
var codes = map[int64]remote.Kind{
	100:                              remote.Auth,
	http.StatusUnauthorized:          remote.Auth,
	http.StatusForbidden:             remote.Permission,
	http.StatusNotFound:              remote.NotExist,
	http.StatusConflict:              remote.Exist,
	http.StatusTooManyRequests:       remote.Budget,
	http.StatusInsufficientStorage:   remote.StorageFull,
	http.StatusServiceUnavailable:    remote.Temporary,
	http.StatusRequestURITooLong:     remote.NameTooLong,
	http.StatusRequestEntityTooLarge: remote.TooLarge,
}

// words are what the messages of each kind hold, in the order in which they are
// looked for. No document lists the messages; what nobody foresaw stays Other,
// and where it matters a look tells more.
var words = []struct {
	kind  remote.Kind
	words []string
}{
	{remote.Budget, []string{"rate limit", "too many", "limit exceeded", "limit reached", "exceeded the limit", "throttl", "requests per", "transaction", "daily limit"}},
	{remote.Auth, []string{"token", "log in", "login", "logged", "session", "expired", "authenticat", "unauthorized", "api key", "api_key", "apikey", "credential", "password"}},
	{remote.Permission, []string{"permission", "permitted", "denied", "not allowed", "privilege", "forbidden", "not authorized", "admin", "access to"}},
	{remote.StorageFull, []string{"quota", "disk space", "storage", "out of space", "enough space"}},
	{remote.NotExist, missing},
	{remote.NotDir, []string{"not a folder", "not a dir", "must be a folder", "must be a dir"}},
	{remote.IsDir, []string{"is a folder", "is a dir", "not a file", "existing folder"}},
	{remote.Exist, []string{"exist", "already", "taken", "duplicate", "same name", "in use"}},
	{remote.NameTooLong, []string{"too long"}},
	{remote.TooLarge, []string{"too large", "too big"}},
	{remote.InvalidName, []string{"character", "invalid name", "invalid file", "invalid folder", "name is"}},
	{remote.Temporary, []string{"try again", "try later", "temporar", "unavailable", "maintenance", "timeout", "timed out", "server error"}},
	{remote.Invalid, []string{"invalid", "required", "parameter", "itself"}},
}

var missing = []string{"not exist", "n't exist", "not found", "no such", "non-exist", "nonexist", "cannot find", "could not find", "unable to find", "missing file"}

// kind tells what an error object is about, by its code and by its words.
func (k call) kind(p problem) remote.Kind {
	if kind, ok := codes[p.Code.N]; ok && p.Code.OK {
		return kind
	}
	text := k.words(p)
	for _, w := range words {
		if clientkit.Says(text, w.words...) {
			return w.kind
		}
	}
	return remote.Other
}

// daily tells whether a limit is that of 24 hours and not that of five minutes.
func daily(text string) bool { return clientkit.Says(text, "24", "daily", "day", "transaction") }

// quoted is what a message may quote of a request. An apostrophe begins no
// quotation.
var quoted = regexp.MustCompile("\"[^\"]*\"|`[^`]*`|(^|\\s)'[^']*'|/\\S*")

// words returns a message without what it repeats of the request: a file may be
// called "rate limit exceeded.txt".
func (k call) words(p problem) string {
	text := p.Message.S
	for _, values := range k.form {
		for _, v := range values {
			text = strip(text, v)
			text = strip(text, path.Base(v))
		}
	}
	return quoted.ReplaceAllString(text, " ")
}

// strip takes a value out of a message, unless it may be one of the message's
// own words.
func strip(text, value string) string {
	own := func(r rune) bool { return !unicode.IsLetter(r) }
	if len(value) < 4 || !strings.ContainsFunc(value, own) {
		return text
	}
	return strings.ReplaceAll(text, value, " ")
}

// definite tells whether a refusal is about the request, and not about the
// account, the network, or an answer that makes no sense: then a look can tell
// more.
func definite(err error) bool {
	e, ok := errors.AsType[*remote.Error](err)
	if !ok || e.Unknown {
		return false
	}
	switch e.Kind {
	case remote.NotExist, remote.Exist, remote.NotDir, remote.IsDir, remote.Invalid, remote.Other, remote.InvalidName:
		return true
	}
	return false
}
