package filemail

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// api is one of the two ways to ask for the same things.
type api interface {
	// header is what every request carries.
	header() http.Header
	// payload finds in an answer what it brings.
	payload(b []byte, data json.RawMessage) json.RawMessage
	// list asks for a page of a box. A zero from asks for everything.
	list(box string, from time.Time, limit, skip int) call
	details(transfer string) call
	initialize(s shipment) call
	complete(transfer, key string) call
	cancel(transfer, key string) call
	update(transfer, subject, message string) call
	remove(transfer string) call
	renameFile(file, path string) call
	removeFile(file string) call
}

// shipment is what a transfer is opened with.
type shipment struct {
	to               []string
	subject, message string
	size             int64
}

// sourceDetails tells the provider what program sends.
const sourceDetails = "frugalfs"

// filesLimit is how many files the details are asked for: all of them.
const filesLimit = 100000

// classic is the API that is signed in to with a password.
type classic struct{ key string }

func (classic) header() http.Header { return http.Header{} }

func (classic) payload(b []byte, _ json.RawMessage) json.RawMessage { return b }

// post is a request with its parameters in a form: addresses end up in logs.
func (a classic) post(path string, form url.Values) call {
	if a.key != "" {
		form.Set("apikey", a.key)
	}
	return call{method: http.MethodPost, path: path, form: form}
}

func (a classic) change(path string, form url.Values) call {
	k := a.post(path, form)
	k.mutates = true
	return k
}

func (a classic) list(box string, from time.Time, limit, skip int) call {
	form := url.Values{"limit": {strconv.Itoa(limit)}, "skip": {strconv.Itoa(skip)}, "getexpired": {"false"}, "getforallusers": {"false"}}
	if box == boxReceived {
		if from.IsZero() {
			from = recently() // at most 90 days back
		}
		form.Set("from", strconv.FormatInt(from.Unix(), 10))
	}
	return a.post("/transfer/"+box+"/get", form)
}

func (a classic) details(transfer string) call {
	return a.post("/transfer/get", url.Values{"transferid": {transfer}, "filesLimit": {strconv.Itoa(filesLimit)}})
}

func (a classic) initialize(s shipment) call {
	return a.change("/transfer/initialize", url.Values{
		"to": {strings.Join(s.to, ",")}, "subject": {s.subject}, "message": {s.message},
		"transfersize": {strconv.FormatInt(s.size, 10)}, "notify": {"false"}, "confirmation": {"false"},
		"source": {"Desktop"}, "sourcedetails": {sourceDetails},
	})
}

func (a classic) complete(transfer, key string) call {
	return a.change("/transfer/complete", url.Values{"transferid": {transfer}, "transferkey": {key}, "failed": {"false"}})
}

func (a classic) cancel(transfer, key string) call {
	return a.change("/transfer/cancel", url.Values{"transferid": {transfer}, "transferkey": {key}})
}

func (a classic) update(transfer, subject, message string) call {
	return a.change("/transfer/update", url.Values{"transferid": {transfer}, "subject": {subject}, "message": {message}})
}

func (a classic) remove(transfer string) call {
	return a.change("/transfer/delete", url.Values{"transferid": {transfer}})
}

func (a classic) renameFile(file, path string) call {
	return a.change("/transfer/file/rename", url.Values{"fileid": {file}, "filename": {path}})
}

func (a classic) removeFile(file string) call {
	return a.change("/transfer/file/delete", url.Values{"fileid": {file}})
}

// modern is API 2.0. The key acts as the user that it belongs to.
type modern struct{ key string }

func (a modern) header() http.Header {
	return http.Header{"X-Api-Key": {a.key}, "X-Api-Version": {"2.0"}}
}

func (modern) payload(_ []byte, data json.RawMessage) json.RawMessage { return data }

func (modern) change(method, path string, body any) call {
	return call{method: method, path: path, body: body, mutates: true}
}

func (modern) list(box string, from time.Time, limit, skip int) call {
	q := url.Values{"limit": {strconv.Itoa(limit)}, "skip": {strconv.Itoa(skip)}, "getexpired": {"false"}}
	path := "/transfer/sent"
	if box == boxReceived {
		path = "/transfer/inbox"
		var ms int64
		if !from.IsZero() {
			ms = from.UnixMilli()
		}
		q.Set("from", strconv.FormatInt(ms, 10))
	}
	return call{method: http.MethodGet, path: path, query: q}
}

func (modern) details(transfer string) call {
	return call{
		method: http.MethodGet, path: "/transfer/" + url.PathEscape(transfer),
		query: url.Values{"filesLimit": {strconv.Itoa(filesLimit)}},
	}
}

func (a modern) initialize(s shipment) call {
	return a.change(http.MethodPost, "/transfer/initialize", map[string]any{
		"to": s.to, "subject": s.subject, "message": s.message, "transfersize": s.size,
		"notify": false, "confirmation": false, "sourcedetails": sourceDetails,
	})
}

func (a modern) complete(transfer, key string) call {
	return a.change(http.MethodPut, "/transfer/complete", map[string]string{"transferid": transfer, "transferkey": key})
}

func (a modern) cancel(transfer, key string) call {
	return a.change(http.MethodPut, "/transfer/cancel", map[string]string{"transferid": transfer, "transferkey": key})
}

func (a modern) update(transfer, subject, message string) call {
	return a.change(http.MethodPut, "/transfer/"+url.PathEscape(transfer), map[string]string{"subject": subject, "message": message})
}

func (a modern) remove(transfer string) call {
	return a.change(http.MethodDelete, "/transfer/"+url.PathEscape(transfer), nil)
}

func (a modern) renameFile(file, path string) call {
	return a.change(http.MethodPut, "/transfer/file/rename", map[string]string{"fileKey": file, "newFileName": path})
}

func (a modern) removeFile(file string) call {
	return a.change(http.MethodDelete, "/transfer/file/"+url.PathEscape(file), nil)
}
