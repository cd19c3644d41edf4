package clientkit

import (
	"strings"
	"unicode/utf8"

	"github.com/frugalfs/frugalfs/remote"
)

// MaxName is the longest file name in bytes that Linux takes.
const MaxName = 255

// ValidName tells whether a file here can have the name.
func ValidName(n string) bool {
	return n != "" && n != "." && n != ".." && len(n) <= MaxName && !strings.ContainsAny(n, "/\x00")
}

// ValidPath tells whether p is absolute and of valid names only.
func ValidPath(p string) bool {
	if p == "" || p[0] != '/' {
		return false
	}
	for e := range strings.SplitSeq(p[1:], "/") {
		if !ValidName(e) {
			return false
		}
	}
	return true
}

// CheckName refuses a name before it is sent in an operation on the path full.
// JSON cannot carry bytes that are no UTF-8: they would arrive as another name.
func CheckName(op, full, name string) error {
	switch {
	case len(name) > MaxName:
		return remote.E(remote.NameTooLong, op, full, nil)
	case !ValidName(name):
		return remote.E(remote.InvalidName, op, full, nil)
	case !utf8.ValidString(name):
		return &remote.Error{Kind: remote.InvalidName, Op: op, Path: full, Detail: "the name is no UTF-8"}
	}
	return nil
}

// Join adds a name to the path of a folder.
func Join(dir, name string) string { return strings.TrimSuffix(dir, "/") + "/" + name }
