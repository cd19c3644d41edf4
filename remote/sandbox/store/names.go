package store

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/frugalfs/frugalfs/remote"
)

// MaxName is the longest name in bytes.
const MaxName = 255

// CheckName tells whether a file or folder may have this name: up to MaxName
// bytes of UTF-8 without "/" and NUL, but not "." or "..".
func CheckName(name string) error {
	switch {
	case len(name) > MaxName:
		return remote.E(remote.NameTooLong, "check", "", nil)
	case name == "", name == ".", name == "..", strings.ContainsAny(name, "/\x00"), !utf8.ValidString(name):
		return remote.E(remote.InvalidName, "check", name, nil)
	}
	return nil
}

// CleanPath checks every element of a path and drops repeated and trailing
// slashes. The path must begin with a slash.
func CleanPath(path string) (string, error) {
	if !strings.HasPrefix(path, "/") {
		return "", remote.E(remote.InvalidName, "check", path, errors.New("a path begins with a slash"))
	}
	var b strings.Builder
	for name := range strings.SplitSeq(path, "/") {
		if name == "" {
			continue
		}
		if err := CheckName(name); err != nil {
			return "", err
		}
		b.WriteByte('/')
		b.WriteString(name)
	}
	if b.Len() == 0 {
		return "/", nil
	}
	return b.String(), nil
}

// SplitPath splits a clean path into its folder and its last element.
func SplitPath(path string) (dir, name string) {
	i := strings.LastIndexByte(path, '/')
	if i <= 0 {
		return "/", path[i+1:]
	}
	return path[:i], path[i+1:]
}

// JoinPath adds a name to a clean path.
func JoinPath(dir, name string) string {
	if dir == "/" {
		return "/" + name
	}
	return dir + "/" + name
}

// freeName makes up a name that dir does not hold: "name (1).ext".
func (s *Store) freeName(dir *node, name string) string {
	stem, ext := name, ""
	if i := strings.LastIndexByte(name, '.'); i > 0 {
		stem, ext = name[:i], name[i:]
	}
	for i := 1; ; i++ {
		tail := fmt.Sprintf(" (%d)%s", i, ext)
		try := cutTo(stem, MaxName-len(tail)) + tail
		if len(tail) > MaxName/2 {
			try = cutTo(name, MaxName-8) + fmt.Sprintf(" (%d)", i)
		}
		if s.child(dir, try) == nil {
			return try
		}
	}
}

// cutTo shortens a string to at most n bytes, between two runes.
func cutTo(text string, n int) string {
	if len(text) <= n {
		return text
	}
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n]
}
