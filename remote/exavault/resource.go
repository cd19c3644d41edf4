package exavault

import (
	"bytes"
	"encoding/json"
	"math"
	"path"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/frugalfs/frugalfs/remote"
)

// number is an integer that may also come as a string; ok is false for
// everything else.
type number struct {
	n  int64
	ok bool
}

// UnmarshalJSON never fails: what is no integer is not there.
func (v *number) UnmarshalJSON(b []byte) error {
	s := strings.Trim(string(b), `"`)
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		f, ferr := strconv.ParseFloat(s, 64)
		if ferr != nil || f != math.Trunc(f) || math.Abs(f) > 1<<53 {
			*v = number{}
			return nil
		}
		n = int64(f)
	}
	*v = number{n, true}
	return nil
}

// text is a string; ok is false for everything else.
type text struct {
	s  string
	ok bool
}

// UnmarshalJSON never fails: what is no string is not there.
func (v *text) UnmarshalJSON(b []byte) error {
	*v = text{}
	if b[0] != '"' {
		return nil
	}
	v.ok = json.Unmarshal(b, &v.s) == nil
	return nil
}

// resource is a file or folder on the wire (the reference, schema Resource).
type resource struct {
	ID            number `json:"id"`
	Attributes    attributes
	Meta          meta `json:"meta"`
	Relationships struct {
		ParentResource struct {
			Data struct {
				ID number `json:"id"`
			} `json:"data"`
		} `json:"parentResource"`
	} `json:"relationships"`
}

// attributes are those that the client needs (the reference, schema
// ResourceAttributes). Published examples leave type out, and extension is
// "dir" then for a folder.
type attributes struct {
	Name        text   `json:"name"`
	Path        text   `json:"path"`
	Type        text   `json:"type"`
	Extension   text   `json:"extension"`
	Size        number `json:"size"`
	FileCount   number `json:"fileCount"`
	UpdatedAt   text   `json:"updatedAt"`
	UpdatedTime number `json:"updatedTime"`
}

// fault says why a resource cannot be used.
type fault uint8

const (
	// noFault: it can be used.
	noFault fault = iota
	// badName: no file here can have this name, so leaving it out of a
	// complete listing proves nothing wrong.
	badName
	// unreadable: something is missing or contradicts itself. There may be
	// something of that name, so a listing without it is not complete.
	unreadable
)

// object translates r. dir is the path of the folder that holds it, used if r
// has a name but no path; "" if not known.
func (r *resource) object(dir string) (remote.Object, fault) {
	a := &r.Attributes
	o := remote.Object{Dir: a.isDir()}
	var f fault
	if o.Path, o.Name, f = a.place(dir); f != noFault {
		return o, f
	}
	if !r.ID.ok || r.ID.n < 0 {
		return o, unreadable
	}
	o.ID = strconv.FormatInt(r.ID.n, 10)
	if p := r.Relationships.ParentResource.Data.ID; p.ok && p.n >= 0 {
		o.ParentID = strconv.FormatInt(p.n, 10)
	}
	var ok bool
	if o.ModTime, ok = a.updated(); o.Dir {
		return o, noFault
	}
	if !ok || !a.Size.ok || a.Size.n < 0 || !a.isFile() {
		return o, unreadable
	}
	o.Size = a.Size.n
	o.Version = strconv.FormatInt(o.ModTime.Unix(), 10) + "-" + strconv.FormatInt(o.Size, 10)
	return o, noFault
}

func (a *attributes) isDir() bool {
	switch a.Type.s {
	case "dir", "folder":
		return true
	case "":
		return a.Extension.s == "dir" || a.FileCount.ok
	}
	return false
}

func (a *attributes) isFile() bool { return a.Type.s == "file" || a.Type.s == "" && !a.isDir() }

// place returns the path and the name.
func (a *attributes) place(dir string) (full, name string, f fault) {
	full = a.Path.s
	if full == "" && a.Name.s != "" && dir != "" {
		full = join(dir, a.Name.s)
	}
	switch full {
	case "/":
		return "/", "", noFault
	case "":
		if a.Name.ok && !validName(a.Name.s) {
			return "", "", badName
		}
		return "", "", unreadable
	}
	full = "/" + strings.Trim(full, "/")
	if !validPath(full) || a.Name.ok && !validName(a.Name.s) {
		return full, "", badName
	}
	name = path.Base(full)
	if a.Name.ok && a.Name.s != name {
		return full, "", unreadable
	}
	return full, name, noFault
}

// updated returns when the resource changed. Only updatedAt moves when a file
// is overwritten; uploadDate and createdAt stay.
func (a *attributes) updated() (time.Time, bool) {
	if t, ok := parseTime(a.UpdatedAt.s); ok {
		return t, true
	}
	if a.UpdatedTime.ok && a.UpdatedTime.n > 0 {
		return time.Unix(a.UpdatedTime.n, 0), true
	}
	return time.Time{}, false
}

// parseTime reads the times of the reference's examples, and the same without
// a colon or without a zone (UTC then).
func parseTime(s string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05", time.DateTime} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// validName tells whether a file here can have the name.
func validName(n string) bool {
	return n != "" && n != "." && n != ".." && len(n) <= maxName && !strings.ContainsAny(n, "/\x00")
}

// validPath tells whether p is absolute and of valid names only.
func validPath(p string) bool {
	if p == "" || p[0] != '/' {
		return false
	}
	for e := range strings.SplitSeq(p[1:], "/") {
		if !validName(e) {
			return false
		}
	}
	return true
}

// checkName refuses a name before it is sent. JSON cannot carry bytes that are
// no UTF-8: they would arrive as another name.
func checkName(op, full, name string) error {
	switch {
	case len(name) > maxName:
		return remote.E(remote.NameTooLong, op, full, nil)
	case !validName(name):
		return remote.E(remote.InvalidName, op, full, nil)
	case !utf8.ValidString(name):
		return &remote.Error{Kind: remote.InvalidName, Op: op, Path: full, Detail: "the name is no UTF-8"}
	}
	return nil
}

func join(dir, name string) string { return strings.TrimSuffix(dir, "/") + "/" + name }

// resource reads the one resource of an answer. It may also come as an array
// of one.
func (k call) resource(a *answer) (remote.Object, error) {
	rs := resources(a.Data)
	if len(rs) != 1 {
		return remote.Object{}, k.corrupt(a.http, "the answer does not describe one resource", nil)
	}
	return k.object(a.http, &rs[0])
}

func (k call) object(status int, r *resource) (remote.Object, error) {
	o, f := r.object("")
	switch f {
	case badName:
		return remote.Object{}, k.corrupt(status, "the answer has an impossible name", nil)
	case unreadable:
		return remote.Object{}, k.corrupt(status, "the answer describes the resource incompletely", nil)
	}
	return o, nil
}

// resources reads data that is one resource or an array of them; nil if it is
// neither.
func resources(data json.RawMessage) []resource {
	data = bytes.TrimSpace(data)
	if len(data) == 0 {
		return nil
	}
	var rs []resource
	switch data[0] {
	case '[':
		if lenient(json.Unmarshal(data, &rs)) != nil {
			return nil
		}
	case '{':
		rs = make([]resource, 1)
		if lenient(json.Unmarshal(data, &rs[0])) != nil {
			return nil
		}
	}
	return rs
}
