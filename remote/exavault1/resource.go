package exavault1

import (
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/clientkit"
)

// resource is a file or folder on the wire (the SDK, ResourceProperty).
type resource struct {
	Name       clientkit.Text   `json:"name"`
	Path       clientkit.Text   `json:"path"`
	Parent     clientkit.Text   `json:"parent"`
	Type       clientkit.Text   `json:"type"`
	Size       clientkit.Number `json:"size"`
	UploadDate stamp            `json:"uploadDate"`
	FileCount  clientkit.Number `json:"fileCount"`
}

// stamp is a time, as a text or as seconds since 1970.
type stamp struct {
	at time.Time
	ok bool
}

// UnmarshalJSON never fails: what is no time is not there.
func (s *stamp) UnmarshalJSON(b []byte) error {
	*s = stamp{}
	var n clientkit.Number
	_ = n.UnmarshalJSON(b) // never fails
	if n.OK {
		if n.N > 0 {
			*s = stamp{time.Unix(n.N, 0), true}
		}
		return nil
	}
	var t clientkit.Text
	_ = t.UnmarshalJSON(b) // never fails
	s.at, s.ok = parseTime(t.S)
	return nil
}

// parseTime reads a time; one without a zone is taken as UTC, as no document
// says which it is in. Times are compared with each other only.
func parseTime(s string) (time.Time, bool) {
	for _, layout := range []string{time.DateTime, time.RFC3339, "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// fault says why a resource cannot be used.
type fault uint8

const (
	// noFault: it can be used.
	noFault fault = iota
	// badName: no file here can have this name, so leaving it out of a complete
	// listing proves nothing wrong.
	badName
	// unreadable: something is missing or contradicts itself. There may be
	// something of that name, so a listing without it is not complete.
	unreadable
	// bare: it is unreadable because size or date is missing, which a detailed
	// listing may have.
	bare
)

// object translates r. dir is the path of the folder that holds it, used if r
// does not tell; "" if not known.
func (r *resource) object(dir string) (remote.Object, fault) {
	o := remote.Object{Dir: r.isDir(), ModTime: r.UploadDate.at}
	var f fault
	if o.Path, o.Name, f = r.place(dir); f != noFault || o.Dir {
		return o, f
	}
	switch {
	case !r.isFile(), r.Size.OK && r.Size.N < 0, o.Path == "/":
		return o, unreadable
	case !r.Size.OK, !r.UploadDate.ok:
		return o, bare
	}
	o.Size = r.Size.N
	o.Version = strconv.FormatInt(o.ModTime.Unix(), 10) + "-" + strconv.FormatInt(o.Size, 10)
	return o, noFault
}

func (r *resource) isDir() bool {
	switch r.Type.S {
	case "dir", "folder", "directory":
		return true
	case "":
		return r.FileCount.OK
	}
	return false
}

func (r *resource) isFile() bool { return r.Type.S == "file" || r.Type.S == "" && !r.isDir() }

// place returns the path and the name.
func (r *resource) place(dir string) (full, name string, f fault) {
	if full = r.Path.S; full == "" && r.Name.S != "" {
		if r.Parent.S != "" {
			dir = "/" + strings.Trim(r.Parent.S, "/")
		}
		if dir != "" {
			full = clientkit.Join(dir, r.Name.S)
		}
	}
	if full == "" {
		if r.Name.OK && !clientkit.ValidName(r.Name.S) {
			return "", "", badName
		}
		return "", "", unreadable
	}
	if full = "/" + strings.Trim(full, "/"); full == "/" {
		return full, "", noFault
	}
	name = path.Base(full)
	switch {
	case !clientkit.ValidPath(full), r.Name.S != "" && !clientkit.ValidName(r.Name.S):
		return full, "", badName
	case r.Name.S != "" && r.Name.S != name:
		return full, "", unreadable
	}
	return full, name, noFault
}

// pathOf returns the path that addresses ref: the API has nothing else.
func pathOf(op string, ref remote.Ref) (string, error) {
	if !strings.HasPrefix(ref.Path, "/") {
		return "", &remote.Error{Kind: remote.Invalid, Op: op, Path: ref.Path, Detail: "not an absolute path"}
	}
	return ref.Path, nil
}

// pathsOf is pathOf for several.
func pathsOf(op string, refs []remote.Ref) ([]string, error) {
	paths := make([]string, len(refs))
	for i, r := range refs {
		p, err := pathOf(op, r)
		if err != nil {
			return nil, err
		}
		paths[i] = p
	}
	return paths, nil
}
