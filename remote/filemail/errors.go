package filemail

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/clientkit"
)

// Some of the provider's error numbers (classic, "Error codes").
const (
	codeUnknown      = 1001
	codeInterrupted  = 1009
	codeInvalidToken = 2003
	codeNotComplete  = 4003
)

// kinds are what the error numbers mean (classic, "Error codes"; API 2.0 has the
// same ones).
var kinds = map[int64]remote.Kind{
	codeUnknown: remote.Temporary, 1002: remote.Invalid, 1003: remote.Invalid, 1004: remote.Invalid,
	1005: remote.NotExist, codeInterrupted: remote.Temporary,

	2001: remote.Auth, 2002: remote.Auth, codeInvalidToken: remote.Auth, 2004: remote.Auth, 2005: remote.Auth,
	2006: remote.Auth, 2007: remote.Auth, 2008: remote.Permission, 2040: remote.Auth, 2041: remote.Auth,

	3001: remote.Permission, 3002: remote.Permission, 3003: remote.Permission, 3004: remote.Temporary,
	3005: remote.StorageFull, 3006: remote.StorageFull, 3007: remote.NotPermitted, 3008: remote.NotPermitted,
	3009: remote.TooLarge, 3010: remote.TooLarge, 3011: remote.NotPermitted, 3100: remote.Conflict,

	4001: remote.NotExist, 4002: remote.Permission, codeNotComplete: remote.Busy, 4004: remote.NotExist,
	4005: remote.Temporary, 4006: remote.Permission,

	6002: remote.StorageFull, 6004: remote.Other, 6005: remote.Other, 6007: remote.Temporary, 6008: remote.Temporary,
}

// advice is what a user can do about an error that no waiting helps.
var advice = map[int64]string{
	2001: "check the user name and the password",
	2004: "the account has expired",
	2005: "sign in once with a browser and answer the captcha there",
	2007: "check the user name and the password",
	4002: "the transfer is protected with a password",
	4006: "the provider found the file to be infected",
}

// kindOf tells what an error number means; false if it is none that is known.
func kindOf(code int64) (remote.Kind, bool) {
	if k, ok := kinds[code]; ok {
		return k, true
	}
	switch {
	case code >= 2009 && code <= 2022:
		return remote.Auth, true
	case code >= 5001 && code <= 5017:
		return remote.Permission, true
	}
	return remote.Other, false
}

// hint is the advice on an error number, "" for none.
func hint(code int64) string {
	if code == 2006 || code >= 2009 && code <= 2022 {
		return "the account cannot sign in with a password (single sign-on, or a second factor); use an application key"
	}
	return advice[code]
}

// envelope is what every answer has (classic, "Error codes"; API 2.0,
// "Responses"): the name of an error, or "ok".
type envelope struct {
	Status  clientkit.Text   `json:"responsestatus"`
	Code    clientkit.Number `json:"errorcode"`
	Name    clientkit.Text   `json:"errorname"`
	Message clientkit.Text   `json:"errormessage"`
	Data    json.RawMessage  `json:"data"`
}

func (e *envelope) ok() bool { return strings.EqualFold(e.Status.S, "ok") }

// read judges an answer. The classic API may send errors with any status, 200
// included, so the number decides where there is one.
func (k call) read(a api, resp *http.Response, b []byte) (json.RawMessage, error) {
	e := &envelope{}
	err := clientkit.Lenient(json.Unmarshal(b, e))
	shaped := err == nil && bytes.HasPrefix(bytes.TrimSpace(b), []byte("{")) && e.Status.OK
	failed := e.Code.OK && e.Code.N != 0
	switch {
	case shaped && e.ok() && !failed && resp.StatusCode < 300:
		return a.payload(b, e.Data), nil
	case shaped && failed && !e.ok():
		return nil, k.refused(resp.StatusCode, e)
	case resp.StatusCode >= 400:
		return nil, k.statusError(resp.StatusCode, e)
	case shaped && !e.ok():
		return nil, k.refused(resp.StatusCode, e)
	}
	return nil, k.corrupt(resp.StatusCode, "the answer is not the API's ("+resp.Header.Get("Content-Type")+")", err)
}

// refused makes an error of the provider's own word.
func (k call) refused(status int, p *envelope) *remote.Error {
	e := &remote.Error{Op: k.op, Path: k.about, Status: status, Err: number(p.Code.N)}
	e.Kind, _ = kindOf(p.Code.N)
	e.Detail = clientkit.Clean(p.words())
	if h := hint(p.Code.N); h != "" {
		e.Detail = strings.TrimPrefix(e.Detail+"; "+h, "; ")
	}
	if p.Code.N == codeUnknown || p.Code.N == codeInterrupted || e.Kind == remote.Other {
		e.Unknown = k.mutates // it may have broken down half-way
	}
	return e
}

// words is what the answer says went wrong.
func (e *envelope) words() string {
	name := e.Name.S
	if name == "" && !strings.EqualFold(e.Status.S, "error") && !e.ok() {
		name = e.Status.S
	}
	if name == "" || e.Message.S == "" {
		return name + e.Message.S
	}
	return name + ": " + e.Message.S
}

// statusError makes an error of an answer without an error number. It proves
// nothing about transfers: a 404 is for what the API does not have (API 2.0,
// "Responses").
func (k call) statusError(status int, p *envelope) *remote.Error {
	e := &remote.Error{Kind: remote.Other, Op: k.op, Path: k.about, Status: status, Detail: clientkit.Clean(p.words())}
	switch {
	case status >= 500, status == http.StatusRequestTimeout:
		e.Kind, e.Unknown = remote.Temporary, k.mutates
	case status == http.StatusUnauthorized:
		e.Kind = remote.Auth
	case status == http.StatusForbidden:
		e.Kind = remote.Permission
	case status == http.StatusTooManyRequests:
		e.Kind = remote.Budget
	case status == http.StatusConflict:
		e.Kind = remote.Conflict
	case status == http.StatusBadRequest:
		e.Kind = remote.Invalid
	case status == http.StatusNotFound:
		e.Detail = "the server has no such API; check the address"
	default:
		e.Unknown = k.mutates
	}
	return e
}

// corrupt makes an error of an answer that makes no sense. What a mutating
// request came to is then unknown.
func (k call) corrupt(status int, detail string, err error) *remote.Error {
	return &remote.Error{
		Kind: remote.Corrupt, Op: k.op, Path: k.about, Status: status,
		Detail: clientkit.Clean(detail), Err: err, Unknown: k.mutates,
	}
}

// number is the provider's error number, as the cause of an error.
type number int64

// Error is the number in words.
func (n number) Error() string { return "error " + strconv.FormatInt(int64(n), 10) }

// numbered tells whether err comes from the provider's error of a number.
func numbered(err error, n number) bool {
	got, ok := errors.AsType[number](err)
	return ok && got == n
}
