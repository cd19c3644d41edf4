package filemail

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"net/mail"
	"path"
	"strings"
	"unicode/utf8"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/clientkit"
)

// checkDraft refuses what the provider would, before anything is stored there.
func checkDraft(d remote.Draft) error {
	bad := func(kind remote.Kind, detail string) error {
		return &remote.Error{Kind: kind, Op: opSend, Path: "/" + boxDrafts + "/" + d.Name, Detail: detail}
	}
	switch {
	case utf8.RuneCountInString(d.Name) > maxSubject || len(d.Name) > maxSubject:
		return bad(remote.NameTooLong, "the subject is too long")
	case d.Name == "" || safe(d.Name) != d.Name:
		return bad(remote.InvalidName, "this cannot be a subject")
	case len(d.To) == 0:
		return bad(remote.Invalid, "there are no recipients")
	case len(d.Files) == 0:
		return bad(remote.Invalid, "there are no files to send")
	}
	for _, to := range d.To {
		if a, err := mail.ParseAddress(to); err != nil || a.Address != to || strings.Contains(to, ",") {
			return bad(remote.Invalid, clientkit.Clean("no address to send to: "+to))
		}
	}
	return checkFiles(d.Files, bad)
}

func checkFiles(files []remote.DraftFile, bad func(remote.Kind, string) error) error {
	taken, dirs := map[string]bool{}, map[string]bool{}
	for _, f := range files {
		switch {
		case !clientkit.ValidPath("/"+f.Path) || !utf8.ValidString(f.Path):
			return bad(remote.InvalidName, clientkit.Clean("a file cannot be called "+f.Path))
		case utf8.RuneCountInString(f.Path) > maxFilePath:
			return bad(remote.NameTooLong, clientkit.Clean("the path is too long: "+f.Path))
		case f.Size < 0 || f.Size > 0 && f.Content == nil:
			return bad(remote.Invalid, clientkit.Clean("no content: "+f.Path))
		case taken[f.Path]:
			return bad(remote.Invalid, clientkit.Clean("named twice: "+f.Path))
		}
		taken[f.Path] = true
		for dir := path.Dir(f.Path); dir != "."; dir = path.Dir(dir) {
			dirs[dir] = true
		}
	}
	for dir := range dirs {
		if taken[dir] {
			return bad(remote.Invalid, clientkit.Clean("a file and a folder at once: "+dir))
		}
	}
	return nil
}

func size(files []remote.DraftFile) int64 {
	var n int64
	for _, f := range files {
		n += f.Size
	}
	return n
}

// fingerprint tells whether a draft is still the one that was begun to be sent.
func fingerprint(d remote.Draft) string {
	h := sha256.New()
	text := func(s string) {
		_ = binary.Write(h, binary.LittleEndian, int64(len(s))) // a hash takes everything
		h.Write([]byte(s))
	}
	text(d.Name)
	text(d.Message)
	text(strings.Join(d.To, ","))
	for _, f := range d.Files {
		text(f.Path)
		_ = binary.Write(h, binary.LittleEndian, []int64{f.Size, f.ModTime.UnixNano()})
	}
	return hex.EncodeToString(h.Sum(nil))
}

// state is what a later attempt needs to know of a transfer that was opened.
type state struct {
	Transfer    string `json:"transfer"`
	Key         string `json:"key"`
	URL         string `json:"url"`
	Fingerprint string `json:"fingerprint"`
	// Open is the status that the transfer had before it was completed, "" if
	// it was not told.
	Open string `json:"open,omitempty"`
	// Completing is true once the mails may have gone out.
	Completing bool `json:"completing,omitempty"`
	// Completed is true once the provider said that they did.
	Completed bool `json:"completed,omitempty"`
}

// stateOf reads a state; nil if there is none that can be used.
func stateOf(b []byte) *state {
	s := &state{}
	if len(b) == 0 || json.Unmarshal(b, s) != nil || !validTransfer(s.Transfer) || s.Key == "" {
		return nil
	}
	return s
}
