package rig

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Tree is the content of a folder: the hash of each file by its path relative
// to the folder, and "dir" for each folder.
type Tree map[string]string

// ReadTree reads all of dir. Names for which skip returns true are left out,
// with what is below them.
func ReadTree(dir string, skip func(path string) bool) (Tree, error) {
	t := Tree{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil || rel == "." {
			return err
		}
		return t.add(path, rel, d, skip)
	})
	return t, err
}

func (t Tree) add(path, rel string, d fs.DirEntry, skip func(string) bool) (err error) {
	switch {
	case skip != nil && skip(rel):
		if d.IsDir() {
			return fs.SkipDir
		}
	case d.IsDir():
		t[rel] = "dir"
	case d.Type().IsRegular():
		t[rel], err = HashFile(path)
	default:
		t[rel] = d.Type().String()
	}
	return err
}

// HashFile returns the SHA-256 of a file's content in hexadecimal.
func HashFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close() //nolint:errcheck // only read
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// Diff says how two trees differ, "" if they do not. It names at most ten
// paths.
func Diff(wantName string, want Tree, gotName string, got Tree) string {
	var lines []string
	for path, hash := range want {
		if other, ok := got[path]; !ok {
			lines = append(lines, fmt.Sprintf("only in %s: %s", wantName, path))
		} else if other != hash {
			lines = append(lines, fmt.Sprintf("differs: %s", path))
		}
	}
	for path := range got {
		if _, ok := want[path]; !ok {
			lines = append(lines, fmt.Sprintf("only in %s: %s", gotName, path))
		}
	}
	slices.Sort(lines)
	if n := len(lines) - 10; n > 0 {
		lines = append(lines[:10], fmt.Sprintf("and %d more", n))
	}
	return strings.Join(lines, "\n")
}
