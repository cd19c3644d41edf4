package ledger

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/frugalfs/frugalfs/remote"
)

const (
	// firstPause is the longest pause before the first retry; each further one
	// is twice as long, up to maxPause.
	firstPause = time.Second
	maxPause   = 15 * time.Second
	// maxBurst is the longest Retry-After of a 429 that is waited out, and
	// maxServerPause of a 503.
	maxBurst       = 5 * time.Second
	maxServerPause = 30 * time.Second
	// maxRedials is how often an unreachable provider is tried again:
	// somebody waits, and the cache can serve much without it.
	maxRedials = 2
)

// again decides whether a try is followed by another one, and after which
// pause.
func (l *Ledger) again(j *job, resp *http.Response, err *remote.Error) (time.Duration, bool) {
	if j.attempt >= l.o.Retries || !j.rewindable() || j.req.Context().Err() != nil {
		return 0, false
	}
	wait := l.pause(j.attempt)
	ok := false
	if err != nil {
		ok = l.errorPasses(j, err)
	} else {
		wait, ok = l.statusPasses(j, resp, wait)
	}
	now := l.o.Now()
	if !ok || now.Add(wait).Sub(j.started) > l.o.MaxRetryTime {
		return 0, false
	}
	// What was learned is worth more to the caller than "out of budget".
	return wait, j.transfer || l.books.allows(j.class, now)
}

// pause is the pause before retry n, between half and all of its full length.
func (l *Ledger) pause(n int) time.Duration {
	d := min(firstPause<<min(n, 10), maxPause)
	return time.Duration(float64(d) * (0.5 + 0.5*l.o.Jitter()))
}

// statusPasses decides on an answer with a status.
func (l *Ledger) statusPasses(j *job, resp *http.Response, wait time.Duration) (time.Duration, bool) {
	switch resp.StatusCode {
	case http.StatusTooManyRequests: // of a transfer: all others are errors
	case http.StatusInternalServerError, http.StatusBadGateway,
		http.StatusServiceUnavailable, http.StatusGatewayTimeout:
	default:
		return 0, false
	}
	if asked, ok := retryAfter(resp.Header, l.o.Now()); ok {
		wait = max(wait, asked)
	}
	return wait, j.safe() && wait <= maxServerPause
}

// errorPasses decides on a try without an answer.
func (l *Ledger) errorPasses(j *job, err *remote.Error) bool {
	switch err.Kind {
	case remote.Offline:
		return j.attempt < maxRedials && worthRedial(err)
	case remote.Temporary:
		return !err.Unknown || j.safe()
	case remote.Budget:
		// Refused for a burst: the provider has done nothing. The pacer holds
		// the next try back; after a blockade books.allows says no.
		return err.Status == http.StatusTooManyRequests
	}
	return false
}

// worthRedial tells whether trying again at once may reach the provider.
func worthRedial(err error) bool {
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		return false // long enough
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return dns.IsTemporary
	}
	return !certificateError(err)
}

// certificateError tells whether the other side is not who it should be.
func certificateError(err error) bool {
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return true
	}
	var unknown x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	return errors.As(err, &unknown) || errors.As(err, &host) || errors.As(err, &invalid)
}

// neverLeft tells whether an error of a transport that reports no connections
// proves that nothing was sent.
func neverLeft(err error) bool {
	if op, ok := errors.AsType[*net.OpError](err); ok && (op.Op == "dial" || op.Op == "proxyconnect") {
		return true
	}
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return true
	}
	_, notTLS := errors.AsType[tls.RecordHeaderError](err)
	return notTLS || certificateError(err)
}
