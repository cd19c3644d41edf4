package dialect

import "strings"

// Home is the folder of the account that the user sees as "/", as a clean
// account path.
type Home string

// Account turns a clean path of the user into one of the account.
func (h Home) Account(p string) string {
	if p == "/" {
		return string(h)
	}
	return strings.TrimSuffix(string(h), "/") + p
}

// User turns an account path at home into one of the user.
func (h Home) User(p string) string {
	if h == "/" {
		return p
	}
	rel := strings.TrimPrefix(p, string(h))
	if rel == "" {
		return "/"
	}
	return rel
}

// Holds tells whether an account path is the home folder or below it.
func (h Home) Holds(p string) bool {
	return h == "/" || p == string(h) || strings.HasPrefix(p, string(h)+"/")
}
