package cache

import (
	"fmt"
	"path"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/frugalfs/frugalfs/cache/outbox"
	"github.com/frugalfs/frugalfs/remote"
)

// MaxName is the longest name in bytes, as everywhere on Linux.
const MaxName = 255

// DefaultLocalNames are the names that only local programs care for: lock and
// swap files, thumbnails, what browsers and editors write on the way.
var DefaultLocalNames = []string{
	".~lock.*#", "*.swp", "*.swx", "*.swo", "4913", ".DS_Store", "._*", "Thumbs.db", "desktop.ini", ".directory",
	".hidden", ".goutputstream-*", "*.part", "*.crdownload", "*.kate-swp", ".#*", "#*#", ".fuse_hidden*",
	".nfs*", "~$*", ".Trash-*",
}

// isLocalName tells whether a name is one that is never sent.
func (ns *Namespace) isLocalName(name string) bool {
	for _, pattern := range ns.opt.LocalNames {
		if ok, err := path.Match(pattern, name); ok && err == nil {
			return true
		}
	}
	return false
}

// checkName refuses names that cannot be.
func checkName(op, name string) error {
	switch {
	case len(name) > MaxName:
		return remote.E(remote.NameTooLong, op, name[:40]+"…", nil)
	case name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/\x00"):
		return remote.E(remote.Invalid, op, name, nil)
	case strings.HasPrefix(name, outbox.TempPrefix):
		return remote.E(remote.Permission, op, name, fmt.Errorf("names that begin with %q are frugalfs's own", outbox.TempPrefix))
	}
	return nil
}

// conflictName is the name under which the local side of a conflict is kept. try
// makes it unique.
func conflictName(name, host string, at time.Time, try int) string {
	mark := fmt.Sprintf(" (conflict %s %s)", host, at.Format("2006-01-02 150405"))
	if try > 0 {
		mark = fmt.Sprintf(" (conflict %s %s %d)", host, at.Format("2006-01-02 150405"), try+1)
	}
	ext := path.Ext(name)
	stem := strings.TrimSuffix(name, ext)
	if stem == "" || len(ext) > 32 {
		stem, ext = name, ""
	}
	return cutBytes(stem, MaxName-len(mark)-len(ext)) + mark + ext
}

// cutBytes cuts a string to at most n bytes, not within a character.
func cutBytes(s string, n int) string {
	if len(s) <= n {
		return s
	}
	s = s[:max(n, 0)]
	for s != "" && !utf8.ValidString(s[len(s)-1:]) && !utf8.RuneStart(s[len(s)-1]) {
		s = s[:len(s)-1]
	}
	if r, size := utf8.DecodeLastRuneInString(s); r == utf8.RuneError && size == 1 {
		s = s[:len(s)-1]
	}
	return s
}

// isTemp tells whether a name is one of ours, which exists for a moment only.
func isTemp(name string) bool { return strings.HasPrefix(name, outbox.TempPrefix) }

// hiddenName is the name under which a node waits.
func hiddenName(ino uint64) string { return outbox.TempPrefix + "moved-" + formatIno(ino) }
