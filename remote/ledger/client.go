package ledger

import (
	"errors"
	"net"
	"net/http"
	"net/url"

	"github.com/frugalfs/frugalfs/remote"
)

// maxRedirects is how many redirects in a row are followed.
const maxRedirects = 5

// Client returns a client whose requests pass the ledger. Requests to the API
// follow redirects within their host only, and transfers also to other hosts,
// but then with none of their own headers. A redirect that would turn a
// request into a GET, or leave TLS, is an error.
//
// Errors of http.Client hold the whole address, which may hold a token. Pass
// them through [AsError].
func (l *Ledger) Client() *http.Client {
	return &http.Client{Transport: l, CheckRedirect: checkRedirect}
}

// AsError returns the *remote.Error in an error of http.Client, without the
// address that http.Client puts around it; nil for nil.
func AsError(err error) *remote.Error {
	if err == nil {
		return nil
	}
	var ours *remote.Error
	if errors.As(err, &ours) {
		return ours
	}
	if ue, ok := errors.AsType[*url.Error](err); ok {
		err = ue.Err
	}
	return remote.E(remote.KindOf(err), "", "", err)
}

// plainHeaders are the headers that may follow a redirect to another host.
var plainHeaders = []string{
	"Accept", "Accept-Encoding", "If-Match", "If-Modified-Since", "If-None-Match",
	"If-Range", "Range", "User-Agent",
}

func checkRedirect(req *http.Request, via []*http.Request) error {
	first, last := via[0], via[len(via)-1]
	switch {
	case len(via) > maxRedirects:
		return redirectError("too many redirects")
	case req.Method != first.Method:
		return redirectError("a redirect would turn the request into a " + req.Method)
	case last.URL.Scheme == "https" && req.URL.Scheme != "https":
		return redirectError("a redirect would leave TLS")
	case req.URL.Host == first.URL.Host:
		return nil
	case !tagOf(req.Context()).transfer:
		return redirectError("a redirect leads to another host")
	}
	stripHeaders(req)
	return nil
}

func stripHeaders(req *http.Request) {
	kept := http.Header{}
	for _, name := range plainHeaders {
		if v := req.Header.Values(name); len(v) > 0 {
			kept[name] = v
		}
	}
	req.Header = kept
}

func redirectError(what string) error {
	return &remote.Error{Kind: remote.Corrupt, Op: "redirect", Detail: what}
}

// checkURL lets plain http through to this machine only.
func checkURL(u *url.URL) *remote.Error {
	switch {
	case u == nil || u.Host == "":
		return &remote.Error{Kind: remote.Invalid, Op: "request", Detail: "the address has no host"}
	case u.Scheme == "https", u.Scheme == "http" && loopback(u.Hostname()):
		return nil
	}
	return &remote.Error{
		Kind: remote.Invalid, Op: "request",
		Detail: "plain http is allowed to this machine only; use https",
	}
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
