package cmd

import (
	"errors"
	"os"
	"path/filepath"
)

// existing returns the deepest part of a path that is there.
func existing(path string) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", diskError("look at", path, err)
	}
	for dir := abs; ; dir = filepath.Dir(dir) {
		_, err := os.Stat(dir)
		if err == nil {
			return dir, nil
		}
		if !errors.Is(err, os.ErrNotExist) || dir == "/" {
			return "", diskError("look at", dir, err)
		}
	}
}
