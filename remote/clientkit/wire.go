package clientkit

import (
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"strings"
	"unicode"
)

// maxDetail is how many characters of a provider's word are kept.
const maxDetail = 200

// Number is an integer that may also come as a string; OK is false for
// everything else.
type Number struct {
	N  int64
	OK bool
}

// UnmarshalJSON never fails: what is no integer is not there.
func (v *Number) UnmarshalJSON(b []byte) error {
	*v = Number{}
	s := strings.Trim(string(b), `"`)
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		f, ferr := strconv.ParseFloat(s, 64)
		if ferr != nil || f != math.Trunc(f) || math.Abs(f) > 1<<53 {
			return nil
		}
		n = int64(f)
	}
	*v = Number{n, true}
	return nil
}

// Text is a string; OK is false for everything else.
type Text struct {
	S  string
	OK bool
}

// UnmarshalJSON never fails: what is no string is not there.
func (v *Text) UnmarshalJSON(b []byte) error {
	*v = Text{}
	if b[0] != '"' {
		return nil
	}
	v.OK = json.Unmarshal(b, &v.S) == nil
	return nil
}

// Flag is a yes or no that may come as a boolean, a number or a string; OK is
// false for everything else.
type Flag struct {
	Yes, OK bool
}

// UnmarshalJSON never fails: what is neither yes nor no is not there.
func (v *Flag) UnmarshalJSON(b []byte) error {
	*v = Flag{}
	switch strings.ToLower(strings.Trim(string(b), `"`)) {
	case "true", "1", "yes":
		*v = Flag{true, true}
	case "false", "0", "no":
		*v = Flag{false, true}
	}
	return nil
}

// Lenient drops complaints about the type of single fields, which then have
// their zero values: the checks on values find out what is missing.
func Lenient(err error) error {
	if _, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return nil
	}
	return err
}

// Says tells whether a provider's words hold one of some others, whatever the
// case.
func Says(detail string, words ...string) bool {
	detail = strings.ToLower(detail)
	for _, w := range words {
		if strings.Contains(detail, w) {
			return true
		}
	}
	return false
}

// Clean makes a server's words fit to be printed: one line, no control
// characters, not too long.
func Clean(s string) string {
	var b strings.Builder
	n := 0
	for _, r := range s {
		if n == maxDetail {
			b.WriteString("…")
			break
		}
		switch {
		case unicode.IsSpace(r):
			r = ' '
		case !unicode.IsPrint(r):
			continue
		}
		b.WriteRune(r)
		n++
	}
	return strings.TrimSpace(b.String())
}
