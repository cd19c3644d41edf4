package yetishare

import (
	"errors"
	"net/http"
	"strings"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/clientkit"
)

// What an error means beyond its kind. They are the causes of errors, and found
// with errors.Is.
var (
	// errAnswered: the site itself said no.
	errAnswered = errors.New("the site refused it")
	// errExpired: the token is not accepted any more.
	errExpired = cause("the token is not accepted")
	// errUnexplained: an error whose words say nothing known.
	errUnexplained = cause("the site gives no reason that is known")
	// errNoCall: the site's version of the script has no such call.
	errNoCall = cause("the site has no such call")
	// errNoLink: the site made no address for a file's content.
	errNoLink = cause("no address was made")
)

// answered is a cause that is also errAnswered.
type answered struct{ text string }

func cause(text string) error                { return &answered{text} }
func (e *answered) Error() string            { return e.text }
func (e *answered) Is(target error) bool     { return target == errAnswered } //nolint:errorlint // the contract of Is
func (k call) fail(kind remote.Kind) verdict { return verdict{kind, errAnswered, false} }

// verdict is what an error of the site comes to.
type verdict struct {
	kind    remote.Kind
	cause   error
	unknown bool // whether it may have been done nevertheless
}

// explanation says what a sentence of the site means.
type explanation struct {
	words []string
	verdict
}

// explanations are the sentences of the documentation ("Possible Errors" of
// each call) and those seen at other sites, the most telling first. Sites shorten
// and translate them, so parts of them are looked for.
var explanations = []explanation{
	{[]string{"could not validate access_token", "username could not be found"}, verdict{remote.Auth, errExpired, false}},
	{[]string{"could not authenticate"}, verdict{remote.Auth, errAnswered, false}},
	{[]string{"failed issuing"}, verdict{remote.Temporary, errAnswered, false}},
	{[]string{"account level", "not have access", "permission", "not allowed", "not permitted", "denied", "banned"}, verdict{remote.Permission, errAnswered, false}},
	{[]string{"could not find file", "could not find folder"}, verdict{remote.NotExist, errAnswered, false}},
	{[]string{"could not generate download url"}, verdict{remote.Temporary, errNoLink, false}},
	{[]string{"filesize received was zero"}, verdict{remote.Unsupported, errAnswered, false}},
	{[]string{"did not receive"}, verdict{remote.Temporary, errAnswered, false}},
	{[]string{"error uploading", "curl module"}, verdict{remote.Temporary, errAnswered, true}},
	{[]string{"too large", "too big", "larger than", "exceed", "max size", "maximum size", "maximum file"}, verdict{remote.TooLarge, errAnswered, false}},
	{[]string{"quota", "storage", "space", "account is full"}, verdict{remote.StorageFull, errAnswered, false}},
	{[]string{"request limit", "too many requests"}, verdict{remote.Budget, errAnswered, false}},
	{[]string{"endpoint", "unknown method", "no such api"}, verdict{remote.Temporary, errNoCall, false}},
	{[]string{"already exist", "already in use"}, verdict{remote.Exist, errAnswered, false}},
	{[]string{"too long"}, verdict{remote.NameTooLong, errAnswered, false}},
}

// explain makes an error of what the site says.
func (k call) explain(status int, sentence string) *remote.Error {
	v := k.judge(sentence)
	return &remote.Error{
		Kind: v.kind, Op: k.op, Path: k.about, Status: notOK(status), Detail: sentence, Err: v.cause, Unknown: v.unknown && k.mutates,
	}
}

// notOK leaves a status out of an error that it contradicts.
func notOK(status int) int {
	if status/100 == 2 {
		return 0
	}
	return status
}

func (k call) judge(sentence string) verdict {
	switch plain := strings.ToLower(strings.TrimRight(sentence, ". ")); {
	case plain == "user not found":
		return verdict{remote.Auth, errExpired, false} // so some sites say it of a token
	case strings.HasPrefix(plain, "please provide"):
		return k.missing()
	}
	for _, e := range explanations {
		if clientkit.Says(sentence, e.words...) {
			return e.verdict
		}
	}
	return verdict{remote.Other, errUnexplained, false}
}

// missing is the site's word that a parameter did not come, although the client
// sends all of them. Servers drop the whole form if it is longer than they take.
func (k call) missing() verdict {
	if k.op == opUpload {
		return k.fail(remote.TooLarge)
	}
	return k.fail(remote.Invalid)
}

// refused makes an error of an answer whose status is no success. A 404 is about
// the call: only a sentence proves that a file or folder is absent.
func (k call) refused(status int, a *answer, isJSON bool) *remote.Error {
	e := k.explain(status, a.sentence())
	known := isJSON && !errors.Is(e, errUnexplained)
	switch {
	case status >= http.StatusInternalServerError:
		e.Kind, e.Err, e.Unknown = remote.Temporary, nil, k.mutates
	case status == http.StatusUnauthorized:
		e.Kind, e.Err = remote.Auth, errExpired
	case known:
	case status == http.StatusForbidden:
		e.Kind, e.Err = remote.Permission, errAnswered
	case status == http.StatusNotFound, status == http.StatusMethodNotAllowed:
		e.Kind, e.Err = remote.Temporary, errNoCall // it may be a proxy's
	case status == http.StatusRequestEntityTooLarge:
		e.Kind, e.Err = remote.TooLarge, errAnswered
	case status == http.StatusBadRequest:
		e.Kind, e.Err = remote.Invalid, errAnswered
	default:
		e.Kind, e.Err, e.Unknown = remote.Corrupt, nil, k.mutates
	}
	return e
}
