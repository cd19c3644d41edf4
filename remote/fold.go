package remote

import (
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// FoldName returns what all names have in common that a provider with
// [Capabilities].CaseFolds takes for one: letters of either case, and composed
// and decomposed characters.
func FoldName(name string) string {
	if plain(name) {
		return lower(name)
	}
	return norm.NFC.String(cases.Fold().String(norm.NFC.String(name)))
}

// plain tells whether a name is ASCII: most are, and need no tables.
func plain(name string) bool {
	for i := range len(name) {
		if name[i] >= 0x80 {
			return false
		}
	}
	return true
}

func lower(name string) string {
	for i := range len(name) {
		if 'A' <= name[i] && name[i] <= 'Z' {
			b := []byte(name)
			for ; i < len(b); i++ {
				if 'A' <= b[i] && b[i] <= 'Z' {
					b[i] += 'a' - 'A'
				}
			}
			return string(b)
		}
	}
	return name
}
