package yetishare

import (
	"context"
	"strconv"
	"strings"

	"github.com/frugalfs/frugalfs/remote"
)

// handle is what an ID of this client says about an object.
type handle struct {
	dir bool
	// id is the site's number; 0 for the account's own root.
	id int64
	// size is a file's length; 0 for files without content that the site holds
	// as marked objects.
	size int64
}

// String writes a handle as an ID: "d12", "f34-560", and "" for the account's
// root.
func (h handle) String() string {
	switch {
	case h.dir && h.id == 0:
		return ""
	case h.dir:
		return "d" + itoa(h.id)
	}
	return "f" + itoa(h.id) + "-" + itoa(h.size)
}

// parseHandle reads an ID.
func parseHandle(s string) (handle, bool) {
	if digits, ok := strings.CutPrefix(s, "d"); ok {
		id, ok := positive(digits)
		return handle{dir: true, id: id}, ok && id > 0
	}
	digits, ok := strings.CutPrefix(s, "f")
	number, length, both := strings.Cut(digits, "-")
	id, ok1 := positive(number)
	size, ok2 := positive(length)
	return handle{id: id, size: size}, ok && both && ok1 && ok2 && id > 0
}

func positive(digits string) (int64, bool) {
	n, err := strconv.ParseUint(digits, 10, 63)
	return int64(n), err == nil
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// formID writes a folder's number as requests do: the account's root is blank.
func formID(id int64) string {
	if id == 0 {
		return ""
	}
	return itoa(id)
}

func invalid(op, about, detail string) *remote.Error {
	return &remote.Error{Kind: remote.Invalid, Op: op, Path: about, Detail: detail}
}

// ended returns an error of kind Canceled if ctx has ended: what would be found
// wrong otherwise is of no interest then.
func ended(ctx context.Context, op, about string) error {
	if ctx.Err() != nil {
		return remote.E(remote.Canceled, op, about, ctx.Err())
	}
	return nil
}
