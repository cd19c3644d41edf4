package filescom

import (
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/clientkit"
)

// entry is a file or folder on the wire (the reference, "The File object").
type entry struct {
	Path          clientkit.Text   `json:"path"`
	DisplayName   clientkit.Text   `json:"display_name"`
	Type          clientkit.Text   `json:"type"`
	Size          clientkit.Number `json:"size"`
	Mtime         clientkit.Text   `json:"mtime"`
	ProvidedMtime clientkit.Text   `json:"provided_mtime"`
	MD5           clientkit.Text   `json:"md5"`
	DownloadURI   clientkit.Text   `json:"download_uri"`
}

// fault says why an entry cannot be used.
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

// object translates an entry. dir is the path of the folder that holds it, used
// if it has a name but no path; "" if not known.
func (c *Client) object(e *entry, dir string) (remote.Object, fault) {
	o := remote.Object{Dir: e.isDir()}
	var f fault
	if o.Path, o.Name, f = e.place(dir); f != noFault {
		return o, f
	}
	stamp, stamped := parseTime(e.Mtime.S)
	if o.ModTime = stamp; e.ProvidedMtime.S != "" {
		if t, ok := parseTime(e.ProvidedMtime.S); ok {
			o.ModTime = t
		}
	}
	if o.Dir {
		return o, noFault
	}
	if !e.isFile() || !e.Size.OK || e.Size.N < 0 {
		return o, unreadable
	}
	o.Size = e.Size.N
	if o.Hash = hashOf(e.MD5.S); o.Hash == "" && stamped {
		o.Hash = c.sums.of(o.Path, stamp, o.Size)
	}
	if o.Hash == "" && !stamped {
		return o, unreadable
	}
	o.Version = version(o.Hash, stamp, o.Size)
	if o.Hash != "" && stamped {
		o.Former = version("", stamp, o.Size)
	}
	return o, noFault
}

// version tells a file's contents apart: see the package comment. A hash
// without the size beside it would do, were all servers to drop it when a file
// is replaced.
func version(hash string, stamp time.Time, size int64) string {
	if hash == "" {
		hash = "t" + strconv.FormatInt(stamp.Unix(), 10)
	}
	return hash + "-" + strconv.FormatInt(size, 10)
}

func (e *entry) isDir() bool { return e.Type.S == "directory" || e.Type.S == "folder" }

func (e *entry) isFile() bool { return e.Type.S == "file" || e.Type.S == "" && e.Size.OK }

// place returns the path and the name.
func (e *entry) place(dir string) (full, name string, f fault) {
	full = strings.Trim(e.Path.S, "/")
	switch {
	case full == "" && e.DisplayName.S != "" && dir != "":
		full = strings.Trim(dir, "/") + "/" + e.DisplayName.S
	case full == "" && e.Path.OK && e.isDir():
		return "/", "", noFault
	case full == "":
		return "", "", unreadable
	}
	full = "/" + strings.TrimPrefix(full, "/")
	if !clientkit.ValidPath(full) {
		return full, "", badName
	}
	return full, path.Base(full), noFault
}

// one reads the entry that an answer consists of, or the only one in an array.
type one struct{ entry }

// UnmarshalJSON takes the array as its element.
func (v *one) UnmarshalJSON(b []byte) error {
	return unwrap(b, &v.entry)
}

// about makes the object that an answer about one path describes. Below the
// parent that was asked for the service's own spelling of the name counts.
func (c *Client) about(k call, e *entry, status int) (remote.Object, error) {
	o, f := c.object(e, path.Dir(k.about))
	switch {
	case f == badName:
		return remote.Object{}, k.corrupt(status, "the answer has an impossible name", nil)
	case f != noFault:
		return remote.Object{}, k.corrupt(status, "the answer describes the object incompletely", nil)
	case k.about == "/":
		return remote.Object{}, k.corrupt(status, "the answer describes the root", nil)
	case !alike(path.Dir(o.Path), path.Dir(k.about)):
		return remote.Object{}, k.corrupt(status, "the answer is about an object in another folder", nil)
	}
	o.Path = clientkit.Join(path.Dir(k.about), o.Name)
	c.links.observe(o)
	return o, nil
}

// hashOf returns an MD5 as the service writes it, "" for anything else.
func hashOf(s string) string {
	if len(s) != 32 || strings.Trim(strings.ToLower(s), "0123456789abcdef") != "" {
		return ""
	}
	return strings.ToLower(s)
}

// timeLayouts are how the reference and the recordings write times.
var timeLayouts = []string{
	time.RFC3339, "2006-01-02 15:04:05 MST", "2006-01-02 15:04:05 -0700", "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05", time.DateTime,
}

func parseTime(s string) (time.Time, bool) {
	for _, layout := range timeLayouts {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}
