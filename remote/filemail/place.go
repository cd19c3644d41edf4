package filemail

import (
	"strings"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/clientkit"
)

// The boxes, which are the entries of the root.
const (
	boxSent     = "sent"
	boxReceived = "received"
	boxDrafts   = "drafts"
)

var boxes = []string{boxSent, boxReceived, boxDrafts}

// level is how deep in the tree something is.
type level uint8

const (
	inRoot     level = iota // the root itself
	inBox                   // one of the boxes
	inTransfer              // a transfer
	inFiles                 // a file or folder in a transfer
)

// place is what a reference is about, as far as the reference tells.
type place struct {
	level level
	// path is the whole path, as errors name it.
	path string
	box  string
	// name is the transfer's name in the box, "" if the reference does not tell.
	name string
	// transfer is its id, "" if a listing has to tell.
	transfer string
	// file is the file's id, "" for folders, and if the path has to tell.
	file string
	// rel is the path in the transfer.
	rel string
}

// IDs are made of the box and the transfer, and for files the provider's id; for
// folders in a transfer, which have none, their path. So an ID tells which
// details to ask for.
const (
	idBox      = "b:"
	idTransfer = "t:"
	idFile     = "f:"
	idFolder   = "d:"
)

func boxID(box string) string                { return idBox + box }
func transferID(box, transfer string) string { return idTransfer + box + ":" + transfer }
func fileID(box, transfer, file string) string {
	return idFile + box + ":" + transfer + ":" + file
}
func folderID(box, transfer, rel string) string {
	return idFolder + box + ":" + transfer + ":" + rel
}

// placeOf reads a reference: the ID if there is one, and what the path adds to
// it.
func placeOf(op string, ref remote.Ref) (place, error) {
	p, ok := pathPlace(ref.Path)
	if ref.ID == "" {
		if !ok {
			return p, &remote.Error{Kind: remote.InvalidName, Op: op, Path: ref.Path}
		}
		if p.level >= inBox && !known(p.box) || p.level >= inTransfer && p.box == boxDrafts {
			return p, remote.E(remote.NotExist, op, ref.Path, nil)
		}
		return p, nil
	}
	q, okID := idPlace(ref.ID)
	if !okID {
		return q, &remote.Error{Kind: remote.Invalid, Op: op, Path: ref.Path, Detail: "the reference is none of this provider's"}
	}
	q.path = ref.Path
	if ok && p.box == q.box && p.level == q.level {
		q.name = p.name
		if q.level == inFiles && q.rel == "" {
			q.rel = p.rel
		}
	}
	return q, nil
}

func known(box string) bool {
	return box == boxSent || box == boxReceived || box == boxDrafts
}

// pathPlace reads a path.
func pathPlace(path string) (place, bool) {
	if path == "/" {
		return place{path: path}, true
	}
	if !clientkit.ValidPath(path) {
		return place{path: path}, false
	}
	p := place{path: path, level: inBox}
	rest := ""
	p.box, rest, _ = strings.Cut(path[1:], "/")
	if rest != "" {
		p.level = inTransfer
		p.name, p.rel, _ = strings.Cut(rest, "/")
	}
	if p.rel != "" {
		p.level = inFiles
	}
	return p, true
}

// idPlace reads an ID.
func idPlace(id string) (place, bool) {
	if len(id) < 2 {
		return place{}, false
	}
	kind, rest := id[:2], id[2:]
	if kind == idBox {
		return place{level: inBox, box: rest}, known(rest)
	}
	p := place{level: inTransfer}
	p.box, rest, _ = strings.Cut(rest, ":")
	p.transfer, rest, _ = strings.Cut(rest, ":")
	switch kind {
	case idTransfer:
	case idFile:
		p.level, p.file = inFiles, rest
	case idFolder:
		p.level, p.rel = inFiles, rest
	default:
		return p, false
	}
	sound := (p.box == boxSent || p.box == boxReceived) && validTransfer(p.transfer)
	return p, sound && (p.level == inTransfer || rest != "")
}

// validTransfer tells whether an id can be one of a transfer: it becomes a part
// of names and addresses.
func validTransfer(id string) bool {
	return id != "" && len(id) <= 64 && !strings.ContainsFunc(id, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r != '-' && r != '_'
	})
}

// validFile tells whether an id can be one of a file.
func validFile(id string) bool {
	return id != "" && len(id) <= 1024 && !strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r > '~' })
}
