package yetishare

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/clientkit"
)

// Names that no file here can have are shown with other characters in the place
// of those that are in the way, and a mark before characters that would be
// mistaken for such.
const (
	slash = '／' // shown for "/"
	nul   = '␀' // shown for NUL
	dot   = '．' // shown for the dots of "." and ".."
	mark  = '‛' // before any of these that is itself meant; alone, the empty name
)

// show turns a name of the site into one that a file here can have. Names that
// are too long are cut by [shorten] afterwards.
func show(raw string) string {
	switch raw {
	case "":
		return string(mark)
	case ".", "..":
		return strings.Repeat(string(dot), len(raw))
	case string(dot), string(dot) + string(dot):
		return string(mark) + raw
	}
	if !strings.ContainsAny(raw, "/\x00"+string(slash)+string(nul)+string(mark)) {
		return raw
	}
	var b strings.Builder
	for _, r := range raw {
		switch r {
		case '/':
			r = slash
		case 0:
			r = nul
		case slash, nul, mark:
			b.WriteRune(mark)
		}
		b.WriteRune(r)
	}
	return b.String()
}

// unshow is the reverse of show.
func unshow(name string) string {
	switch rest, marked := strings.CutPrefix(name, string(mark)); {
	case name == string(mark):
		return ""
	case name == string(dot), name == string(dot)+string(dot):
		return strings.Repeat(".", utf8.RuneCountInString(name))
	case marked && (rest == string(dot) || rest == string(dot)+string(dot)):
		return rest
	}
	var b strings.Builder
	marked := false
	for _, r := range name {
		switch {
		case marked:
			marked = false
		case r == mark:
			marked = true
			continue
		case r == slash:
			r = '/'
		case r == nul:
			r = 0
		}
		b.WriteRune(r)
	}
	return b.String()
}

// rawName checks a name before it is sent, and returns it as the site shall have
// it. The few that would come back as another one (with a lone mark) are refused,
// as is the one that stands for an empty name: to a site, that means no change.
func rawName(op, full, name string) (string, error) {
	if err := clientkit.CheckName(op, full, name); err != nil {
		return "", err
	}
	raw := unshow(name)
	if show(raw) != name || raw == "" {
		return "", &remote.Error{Kind: remote.InvalidName, Op: op, Path: full, Detail: "the name has a " + string(mark) + " where it would be lost"}
	}
	return raw, nil
}

// numbered is how an object is shown whose name another one has already, or
// whose name is too long: with its number before the extension.
func numbered(name string, id int64) string {
	stem, ext := name, ""
	if i := strings.LastIndexByte(name, '.'); i > 0 && len(name)-i <= maxExt {
		stem, ext = name[:i], name[i:]
	}
	tail := fmt.Sprintf(" (%d)%s", id, ext)
	return cut(stem, clientkit.MaxName-len(tail)) + tail
}

// maxExt is the longest part of a name in bytes that is taken for an extension.
const maxExt = 32

// cut shortens a string to at most n bytes, between two characters.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// unsendable tells whether a name cannot go into the head of a form's part as it
// is: quotes and backslashes are read in several ways there, and servers cut
// what is before a backslash or a slash, control characters and blanks at the
// ends. Such a file is sent under a [standIn] and renamed.
func unsendable(raw string) bool {
	return raw != strings.TrimSpace(raw) || raw == "" || raw == "." || raw == ".." ||
		strings.ContainsFunc(raw, func(r rune) bool { return r < ' ' || r == 0x7f || strings.ContainsRune(`"\/`, r) })
}

// standIn is a name under which a file can be sent.
func standIn(raw string) string {
	s := strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || strings.ContainsRune(`"\/`, r) {
			return '_'
		}
		return r
	}, raw))
	if strings.Trim(s, ".") == "" {
		return "unnamed"
	}
	return s
}
