package filescom

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/frugalfs/frugalfs/remote/sandbox/store"
)

// amzTime is how signed addresses write their time.
const amzTime = "20060102T150405Z"

// sign returns an address of the storage that is good for a while. The extra
// is a part's number or the version of a file.
func (a *api) sign(r *http.Request, method, object, extra string, life time.Duration) string {
	date := a.Now().UTC().Format(amzTime)
	seconds := strconv.FormatInt(int64(life/time.Second), 10)
	q := url.Values{
		"X-Amz-Date": {date}, "X-Amz-Expires": {seconds}, "partNumber": {extra},
		"X-Amz-Signature": {a.signature(method, object, extra, date, seconds)},
	}
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	u := url.URL{Scheme: scheme, Host: r.Host, Path: storageBase + object, RawQuery: q.Encode()}
	return u.String()
}

func (a *api) signature(parts ...string) string {
	mac := hmac.New(sha256.New, a.key[:])
	_, _ = io.WriteString(mac, strings.Join(parts, "\n")) // never fails
	return hex.EncodeToString(mac.Sum(nil))
}

func (a *api) downloadURI(r *http.Request, n store.Node) string {
	object := fmt.Sprintf("objects/%d", n.ID)
	return a.sign(r, http.MethodGet, object, version(n), a.Switches.Duration("download-life"))
}

// version names a file's content in an address.
func version(n store.Node) string { return fmt.Sprintf("%d-%d", n.Updated.UnixNano(), n.Size) }

// storageError is an error as object storages answer it.
type storageError struct {
	XMLName xml.Name `xml:"Error"`
	Status  int      `xml:"-"`
	Code    string
	Message string
}

func (e *storageError) Error() string { return e.Message }

func refused(status int, code, message string) *storageError {
	return &storageError{Status: status, Code: code, Message: message}
}

// storage answers requests to signed addresses.
func (a *api) storage(w http.ResponseWriter, r *http.Request) {
	object := strings.TrimPrefix(r.URL.Path, storageBase)
	e := a.checkSignature(r, object)
	if e == nil {
		kind, name, _ := strings.Cut(object, "/")
		switch {
		case kind == "uploads" && r.Method == http.MethodPut:
			e = a.putPart(w, r, name)
		case kind == "objects":
			e = a.getObject(w, r, name)
		default:
			e = refused(http.StatusMethodNotAllowed, "MethodNotAllowed", "The specified method is not allowed against this resource.")
		}
	}
	if e != nil {
		writeStorageError(w, e)
	}
}

func writeStorageError(w http.ResponseWriter, e *storageError) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(e.Status)
	body, _ := xml.Marshal(e) // only our own type comes here
	_, _ = io.WriteString(w, xml.Header)
	_, _ = w.Write(body) // the client went away: nothing to tell it
}

// checkSignature tells whether an address was signed here and is still good.
func (a *api) checkSignature(r *http.Request, object string) *storageError {
	q, method := r.URL.Query(), r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	want := a.signature(method, object, q.Get("partNumber"), q.Get("X-Amz-Date"), q.Get("X-Amz-Expires"))
	if !hmac.Equal([]byte(want), []byte(q.Get("X-Amz-Signature"))) {
		return refused(http.StatusForbidden, "SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided.")
	}
	from, err := time.Parse(amzTime, q.Get("X-Amz-Date"))
	seconds, err2 := strconv.Atoi(q.Get("X-Amz-Expires"))
	if err != nil || err2 != nil || a.Now().After(from.Add(time.Duration(seconds)*time.Second)) {
		return refused(http.StatusForbidden, "AccessDenied", "Request has expired")
	}
	return nil
}

// putPart takes in a part of an upload. Nothing is kept of one whose body is
// not as long as its header says.
func (a *api) putPart(w http.ResponseWriter, r *http.Request, ref string) *storageError {
	number, err := strconv.ParseInt(r.URL.Query().Get("partNumber"), 10, 64)
	if err != nil {
		return refused(http.StatusBadRequest, "InvalidArgument", "Part number must be an integer between 1 and 10000, inclusive")
	}
	largest, _ := a.Switches.Number("largest-part")
	switch {
	case r.ContentLength < 0:
		return refused(http.StatusLengthRequired, "MissingContentLength", "You must provide the Content-Length HTTP header.")
	case r.ContentLength > int64(largest):
		return refused(http.StatusBadRequest, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size")
	}
	p, e := a.receive(r)
	if e != nil {
		return e
	}
	if err := a.takePart(ref, number, p); err != nil {
		a.drop(p)
		return refused(http.StatusNotFound, "NoSuchUpload", "The specified upload does not exist.")
	}
	a.setETag(w.Header(), p.md5)
	w.Header().Set("Content-Length", "0")
	w.WriteHeader(http.StatusOK)
	return nil
}

func (a *api) receive(r *http.Request) (*part, *storageError) {
	staged, err := a.Store.Stage()
	if err != nil {
		return nil, refused(http.StatusInternalServerError, "InternalError", "We encountered an internal error. Please try again.")
	}
	p, d := &part{staged: staged}, newDigests()
	n, err := io.Copy(io.MultiWriter(staged, d), r.Body)
	if err != nil || n != r.ContentLength {
		a.drop(p)
		return nil, refused(http.StatusBadRequest, "IncompleteBody", "You did not provide the number of bytes specified by the Content-Length HTTP header")
	}
	p.md5, p.crc = d.sum()
	return p, nil
}

func (a *api) setETag(h http.Header, md5 string) {
	switch a.Switches.Get("etag") {
	case "quoted":
		h.Set("ETag", `"`+md5+`"`)
	case "bare":
		h.Set("ETag", md5)
	}
}

// getObject sends a file's content, or a range of it.
func (a *api) getObject(w http.ResponseWriter, r *http.Request, name string) *storageError {
	gone := refused(http.StatusNotFound, "NoSuchKey", "The specified key does not exist.")
	id, err := strconv.ParseInt(name, 10, 64)
	if err != nil {
		return gone
	}
	f, n, err := a.Store.Open(id)
	if err != nil {
		return gone
	}
	defer func() { _ = f.Close() }() // it was only read
	if version(n) != r.URL.Query().Get("partNumber") && a.Switches.Is("stale-download", "404") {
		return gone
	}
	if a.Switches.Is("range", "off") {
		r.Header.Del("Range")
	}
	facts, err := a.facts(n)
	if err != nil {
		return gone
	}
	a.setETag(w.Header(), facts.MD5)
	w.Header().Set("Content-Type", mimeType(n.Name))
	a.note(r, store.Entry{Op: store.OpDownload, Path: n.Path, Bytes: n.Size, Node: n})
	http.ServeContent(w, r, n.Name, n.Updated, f)
	return nil
}
