package cache

import (
	"errors"
	"fmt"
	"net/mail"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/frugalfs/frugalfs/remote"
)

// RecipientsName is the name of the file in a draft that tells whom it is for,
// and what they read beside it. It is not sent.
const RecipientsName = "recipients.txt"

// maxRecipients is the longest such file, in bytes.
const maxRecipients = 1 << 20

// letter is what the recipients file of a draft says.
type letter struct {
	to      []string
	message string
}

// readLetter reads a recipients file: addresses, any number on a line, separated
// by commas or semicolons, with or without names and a "To:" before them; then
// an empty line, and the message. Lines of addresses that begin with # are
// remarks. Errors are of kind Invalid.
func readLetter(text string) (letter, error) {
	var l letter
	if !utf8.ValidString(text) {
		return l, badLetter("it is no UTF-8 text")
	}
	text = strings.ReplaceAll(strings.TrimPrefix(text, "\ufeff"), "\r\n", "\n")
	for text != "" {
		var line string
		line, text, _ = strings.Cut(text, "\n")
		line = strings.TrimSpace(line)
		if line == "" && len(l.to) > 0 {
			break
		}
		if err := l.add(line); err != nil {
			return l, err
		}
	}
	if len(l.to) == 0 {
		return l, badLetter("it names nobody")
	}
	l.message = strings.TrimRight(text, "\n")
	return l, nil
}

// add takes in a line of addresses.
func (l *letter) add(line string) error {
	if strings.HasPrefix(line, "#") {
		return nil
	}
	if len(line) >= 3 && strings.EqualFold(line[:3], "to:") {
		line = line[3:]
	}
	for _, word := range strings.FieldsFunc(line, func(r rune) bool { return r == ',' || r == ';' }) {
		if word = strings.TrimSpace(word); word == "" {
			continue
		}
		a, err := mail.ParseAddress(word)
		if err != nil {
			return badLetter(fmt.Sprintf("%.100q is no address", word))
		}
		if !slices.Contains(l.to, a.Address) {
			l.to = append(l.to, a.Address)
		}
	}
	return nil
}

func badLetter(why string) error {
	return remote.E(remote.Invalid, "send", RecipientsName, errors.New(why))
}
