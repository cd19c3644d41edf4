package filemail

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/clientkit"
)

// ident is an identifier that may come as a number. It is "" for everything
// else.
type ident string

// UnmarshalJSON never fails: what is no identifier is not there.
func (v *ident) UnmarshalJSON(b []byte) error {
	*v = ""
	var t clientkit.Text
	var n clientkit.Number
	_, _ = t.UnmarshalJSON(b), n.UnmarshalJSON(b) // they never fail
	switch {
	case t.OK:
		*v = ident(t.S)
	case n.OK:
		*v = ident(bytes.TrimSpace(b))
	}
	return nil
}

// record is a transfer on the wire (API 2.0, "Transfer"; the classic one has the
// same names).
type record struct {
	ID         ident            `json:"id"`
	TransferID ident            `json:"transferid"`
	Subject    clientkit.Text   `json:"subject"`
	Message    clientkit.Text   `json:"message"`
	Sent       clientkit.Number `json:"sentdate"`
	Status     clientkit.Text   `json:"status"`
	Expired    clientkit.Flag   `json:"isexpired"`
	Files      []wireFile       `json:"files"`
	More       clientkit.Number `json:"containsmorefiles"`
}

// wireFile is a file on the wire.
type wireFile struct {
	ID   ident            `json:"fileid"`
	Name clientkit.Text   `json:"filename"`
	Size clientkit.Number `json:"filesize"`
	URL  clientkit.Text   `json:"downloadurl"`
}

func (r *record) id() string {
	if r.ID != "" {
		return string(r.ID)
	}
	return string(r.TransferID)
}

// sent is when the transfer was sent. Dates come in seconds or milliseconds.
func (r *record) sent() time.Time {
	switch n := r.Sent.N; {
	case !r.Sent.OK || n <= 0:
		return time.Time{}
	case n > 1e11:
		return time.UnixMilli(n).UTC()
	default:
		return time.Unix(n, 0).UTC()
	}
}

// The words of a status. Only STATUS_COMPLETE was seen.
var unfinished = []string{"incomplete", "not_complete", "init", "upload", "progress", "pending", "open", "created"}

// complete tells whether a transfer was sent, by its own word.
func (r *record) complete() bool {
	return clientkit.Says(r.Status.S, "complete") && !clientkit.Says(r.Status.S, unfinished...)
}

// shown tells whether a transfer is in the tree: it was sent, and is still there.
func (r *record) shown() bool {
	over := r.Expired.Yes || clientkit.Says(r.Status.S, "cancel", "delete", "expire")
	return !over && !clientkit.Says(r.Status.S, unfinished...)
}

// maxSubject is how many bytes of a subject become a name, and how many
// characters a subject has (classic, "transfer/initialize").
const maxSubject = 200

// safe makes a file name of a subject, "" if nothing is left of it.
func safe(subject string) string {
	s := strings.Map(func(r rune) rune {
		if r == '/' || r == utf8.RuneError || unicode.IsControl(r) {
			return '_'
		}
		return r
	}, strings.ToValidUTF8(subject, "_"))
	if s == "." || s == ".." {
		return strings.Repeat("_", len(s))
	}
	return cut(strings.TrimSpace(s), maxSubject)
}

// cut shortens a text to n bytes without cutting a character in two.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return strings.TrimSpace(s[:n])
}

// withID is the name of what has its name from an id, too.
func withID(name, id string) string {
	suffix := " (" + id + ")"
	return strings.TrimSpace(cut(name, clientkit.MaxName-len(suffix)) + suffix)
}

// transfer is a transfer of a box.
type transfer struct {
	record
	name string
}

// object describes a transfer.
func (t *transfer) object(box string) remote.Object {
	return remote.Object{
		ID: transferID(box, t.id()), ParentID: boxID(box), Name: t.name, Path: "/" + box + "/" + t.name,
		Dir: true, ModTime: t.sent(),
	}
}

func boxObject(box string) remote.Object {
	return remote.Object{ID: boxID(box), Name: box, Path: "/" + box, Dir: true}
}

// nameAll names the transfers of a box: the oldest of those with one subject has
// it for itself, so that no name changes when another comes.
func nameAll(records []record) []transfer {
	order := slices.Clone(records)
	slices.SortFunc(order, func(a, b record) int {
		if c := a.sent().Compare(b.sent()); c != 0 {
			return c
		}
		return strings.Compare(a.id(), b.id())
	})
	taken := map[string]bool{}
	out := make([]transfer, 0, len(order))
	for _, r := range order {
		plain := safe(r.Subject.S)
		name := plain
		if name == "" || taken[name] {
			name = withID(plain, r.id())
		}
		for n := 2; taken[name]; n++ { // another one's subject is just that
			name = withID(plain, r.id()+" "+strconv.Itoa(n))
		}
		taken[name] = true
		out = append(out, transfer{record: r, name: name})
	}
	return out
}

// readRecord reads the details of a transfer, which may lie in an object of
// their own.
func readRecord(b json.RawMessage) (*record, error) {
	var boxed struct {
		Transfer json.RawMessage `json:"transfer"`
	}
	if err := clientkit.Lenient(json.Unmarshal(b, &boxed)); err != nil {
		return nil, err
	}
	if bytes.HasPrefix(bytes.TrimSpace(boxed.Transfer), []byte("{")) {
		b = boxed.Transfer
	}
	r := &record{}
	return r, clientkit.Lenient(json.Unmarshal(b, r))
}
