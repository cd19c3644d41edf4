package filescom

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/frugalfs/frugalfs/remote/clientkit"
)

// ticketLife is how long an address for a part can be used (the reference,
// "Uploading the file or file parts": 15 minutes), less a margin.
const ticketLife = 14 * time.Minute

// ticket is where one part of an upload goes (the reference, "The upload
// object").
type ticket struct {
	Ref        clientkit.Text            `json:"ref"`
	Path       clientkit.Text            `json:"path"`
	Method     clientkit.Text            `json:"http_method"`
	URI        clientkit.Text            `json:"upload_uri"`
	Part       clientkit.Number          `json:"part_number"`
	Parallel   clientkit.Flag            `json:"parallel_parts"`
	Overwrites clientkit.Flag            `json:"ask_about_overwrites"`
	Headers    map[string]clientkit.Text `json:"headers"`
	Parameters map[string]clientkit.Text `json:"parameters"`
	Send       map[string]clientkit.Text `json:"send"`

	// until is when the address is used no more.
	until time.Time
}

// tickets are one ticket, or an array of them: today's service answers an array,
// which may bring the addresses of several parts at once.
type tickets []ticket

// UnmarshalJSON takes both.
func (t *tickets) UnmarshalJSON(b []byte) error {
	*t = nil
	b = bytes.TrimSpace(b)
	if len(b) > 0 && b[0] == '[' {
		return clientkit.Lenient(json.Unmarshal(b, (*[]ticket)(t)))
	}
	*t = make(tickets, 1)
	return clientkit.Lenient(json.Unmarshal(b, &(*t)[0]))
}

// check finds tickets that cannot be used.
func (t tickets) check(k call, status int) error {
	if len(t) == 0 {
		return k.corrupt(status, "the answer tells nowhere to send the content", nil)
	}
	for i := range t {
		if detail := t[i].fault(); detail != "" {
			return k.corrupt(status, detail, nil)
		}
	}
	return nil
}

func (t *ticket) fault() string {
	method := strings.ToUpper(t.Method.S)
	switch {
	case t.Ref.S == "" || len(t.Ref.S) > 1024:
		return "the answer names no upload"
	case !signed(t.URI.S):
		return "the answer tells nowhere to send the content"
	case method != "" && method != http.MethodPut && method != http.MethodPost:
		return "the answer wants the content sent by " + t.Method.S
	case len(t.Parameters) > 0 || !t.inBody("partdata") || !t.inBody("file"):
		return "the answer wants the content in a form"
	}
	return ""
}

// inBody tells whether content of a kind is to be the body of the request.
func (t *ticket) inBody(kind string) bool {
	where, ok := t.Send[kind]
	return !ok || where.S == "" || where.S == "body"
}

// apply writes what the ticket demands into the request for a part. Headers
// that are not the storage's business are left out.
func (t *ticket) apply(req *http.Request) {
	for name, value := range t.Headers {
		switch http.CanonicalHeaderKey(name) {
		case "Host", "Content-Length", "Transfer-Encoding", "Connection", "Cookie":
			continue
		}
		if value.OK && !strings.ContainsAny(name+value.S, "\r\n\x00") {
			req.Header.Set(name, value.S)
		}
	}
}

// of returns the ticket for a part, nil if there is none. A single one without
// a number is for the part that was asked for.
func (t tickets) of(part int, now time.Time) *ticket {
	for i := range t {
		k := &t[i]
		if k.Part.N == int64(part) || !k.Part.OK && len(t) == 1 {
			k.until = now.Add(ticketLife)
			return k
		}
	}
	return nil
}
