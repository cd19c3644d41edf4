package filescom

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/clientkit"
)

// checkName refuses a name before it is sent.
func checkName(op, full, name string) error {
	if err := clientkit.CheckName(op, full, name); err != nil {
		return err
	}
	if utf8.RuneCountInString(full) > maxPath {
		return remote.E(remote.NameTooLong, op, full, nil)
	}
	if last, _ := utf8.DecodeLastRuneInString(name); unicode.IsSpace(last) {
		return &remote.Error{Kind: remote.InvalidName, Op: op, Path: full, Detail: "the provider takes no name that ends in white space"}
	}
	return nil
}

// alike tells whether two paths may be spellings of one: the service folds case
// and keeps names in NFC. Outside ASCII that is left to the service: only the
// number of names in the path must be the same.
func alike(a, b string) bool {
	as, bs := strings.Split(strings.Trim(a, "/"), "/"), strings.Split(strings.Trim(b, "/"), "/")
	if len(as) != len(bs) {
		return false
	}
	for i := range as {
		if !strings.EqualFold(as[i], bs[i]) && (ascii(as[i]) || ascii(bs[i])) {
			return false
		}
	}
	return true
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// respelled tells whether NFC may write the name another way: with a combining
// character in it, or one that has a canonical equivalent (The Unicode
// Standard, Annex 15, "NFC_QC"). It may say yes in vain, which costs a look.
func respelled(name string) bool {
	return strings.ContainsFunc(name, func(r rune) bool {
		return unicode.Is(unicode.M, r) || unicode.Is(recomposed, r)
	})
}

// recomposed are the ranges, not combining, in which there are characters that
// NFC replaces or composes.
var recomposed = &unicode.RangeTable{
	R16: []unicode.Range16{
		{Lo: 0x0374, Hi: 0x0374, Stride: 1}, {Lo: 0x037e, Hi: 0x037e, Stride: 1}, {Lo: 0x0387, Hi: 0x0387, Stride: 1},
		{Lo: 0x1100, Hi: 0x11ff, Stride: 1}, // Hangul Jamo
		{Lo: 0x1f00, Hi: 0x1fff, Stride: 1}, // Greek extended
		{Lo: 0x2000, Hi: 0x2001, Stride: 1}, {Lo: 0x2126, Hi: 0x212b, Stride: 1}, {Lo: 0x2329, Hi: 0x232a, Stride: 1},
		{Lo: 0xf900, Hi: 0xfaff, Stride: 1}, // CJK compatibility ideographs
		{Lo: 0xfb1d, Hi: 0xfb4e, Stride: 1}, // Hebrew presentation forms
	},
	R32:         []unicode.Range32{{Lo: 0x2f800, Hi: 0x2fa1f, Stride: 1}},
	LatinOffset: 0,
}

// unwrap decodes a value, or the only element of an array.
func unwrap(b []byte, to any) error {
	b = bytes.TrimSpace(b)
	if len(b) > 0 && b[0] == '[' {
		var all []json.RawMessage
		if err := json.Unmarshal(b, &all); err != nil || len(all) != 1 {
			return err
		}
		b = all[0]
	}
	return clientkit.Lenient(json.Unmarshal(b, to))
}
