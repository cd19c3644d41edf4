package exavault

import (
	"bytes"
	"encoding/json"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/clientkit"
)

// resource is a file or folder on the wire (the reference, schema Resource).
type resource struct {
	ID            clientkit.Number `json:"id"`
	Attributes    attributes
	Meta          meta `json:"meta"`
	Relationships struct {
		ParentResource struct {
			Data struct {
				ID clientkit.Number `json:"id"`
			} `json:"data"`
		} `json:"parentResource"`
	} `json:"relationships"`
}

// attributes are those that the client needs (the reference, schema
// ResourceAttributes). Published examples leave type out, and extension is
// "dir" then for a folder.
type attributes struct {
	Name        clientkit.Text   `json:"name"`
	Path        clientkit.Text   `json:"path"`
	Type        clientkit.Text   `json:"type"`
	Extension   clientkit.Text   `json:"extension"`
	Size        clientkit.Number `json:"size"`
	FileCount   clientkit.Number `json:"fileCount"`
	UpdatedAt   clientkit.Text   `json:"updatedAt"`
	UpdatedTime clientkit.Number `json:"updatedTime"`
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
	if !r.ID.OK || r.ID.N < 0 {
		return o, unreadable
	}
	o.ID = strconv.FormatInt(r.ID.N, 10)
	if p := r.Relationships.ParentResource.Data.ID; p.OK && p.N >= 0 {
		o.ParentID = strconv.FormatInt(p.N, 10)
	}
	var ok bool
	if o.ModTime, ok = a.updated(); o.Dir {
		return o, noFault
	}
	if !ok || !a.Size.OK || a.Size.N < 0 || !a.isFile() {
		return o, unreadable
	}
	o.Size = a.Size.N
	o.Version = strconv.FormatInt(o.ModTime.Unix(), 10) + "-" + strconv.FormatInt(o.Size, 10)
	return o, noFault
}

func (a *attributes) isDir() bool {
	switch a.Type.S {
	case "dir", "folder":
		return true
	case "":
		return a.Extension.S == "dir" || a.FileCount.OK
	}
	return false
}

func (a *attributes) isFile() bool { return a.Type.S == "file" || a.Type.S == "" && !a.isDir() }

// place returns the path and the name.
func (a *attributes) place(dir string) (full, name string, f fault) {
	full = a.Path.S
	if full == "" && a.Name.S != "" && dir != "" {
		full = clientkit.Join(dir, a.Name.S)
	}
	switch full {
	case "/":
		return "/", "", noFault
	case "":
		if a.Name.OK && !clientkit.ValidName(a.Name.S) {
			return "", "", badName
		}
		return "", "", unreadable
	}
	full = "/" + strings.Trim(full, "/")
	if !clientkit.ValidPath(full) || a.Name.OK && !clientkit.ValidName(a.Name.S) {
		return full, "", badName
	}
	name = path.Base(full)
	if a.Name.OK && a.Name.S != name {
		return full, "", unreadable
	}
	return full, name, noFault
}

// updated returns when the resource changed. Only updatedAt moves when a file
// is overwritten; uploadDate and createdAt stay.
func (a *attributes) updated() (time.Time, bool) {
	if t, ok := parseTime(a.UpdatedAt.S); ok {
		return t, true
	}
	if a.UpdatedTime.OK && a.UpdatedTime.N > 0 {
		return time.Unix(a.UpdatedTime.N, 0), true
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
		if clientkit.Lenient(json.Unmarshal(data, &rs)) != nil {
			return nil
		}
	case '{':
		rs = make([]resource, 1)
		if clientkit.Lenient(json.Unmarshal(data, &rs[0])) != nil {
			return nil
		}
	}
	return rs
}
