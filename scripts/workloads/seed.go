package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// The seed tree: 100 folders in three levels with 1,000 files of 4 KiB, of which
// those of tree/0 are 500 in 20 folders; one flat folder of 2,500 small files;
// 3 files of 64 MiB.
const (
	tops, mids, leaves = 4, 4, 5
	firstFiles         = 25 // in each of the 20 lowest folders of tree/0
	flatFiles          = 2500
	largeFiles         = 3
	largeSize          = 64 << 20
)

// fill makes size bytes that do not compress, the same for the same name.
func fill(name string, size int) []byte {
	var seed [32]byte
	copy(seed[:], name)
	text := make([]byte, size)
	_, _ = rand.NewChaCha8(seed).Read(text) // never fails
	return text
}

// seedTree makes the seed tree with large files of some size, and a share of the
// small ones.
func seedTree(dir string, large int, share scale) error {
	if err := seedLevels(dir, share); err != nil {
		return err
	}
	for i := range share.of(flatFiles) {
		if err := writeSeed(dir, 300, "flat", fmt.Sprintf("f%04d", i)); err != nil {
			return err
		}
	}
	for i := range largeFiles {
		if err := writeSeed(dir, large, "large", fmt.Sprintf("l%d", i)); err != nil {
			return err
		}
	}
	return nil
}

// writeSeed writes the same bytes whatever dir is.
func writeSeed(dir string, size int, elem ...string) error {
	path := filepath.Join(append([]string{dir}, elem...)...)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, fill(filepath.Join(elem...), size), 0o644)
}

func seedLevels(dir string, share scale) error {
	first := share.of(firstFiles)
	rest := share.of(1000) - first*mids*leaves
	others := (tops - 1) * mids * leaves
	for leaf := range tops * mids * leaves {
		top, mid, low := leaf/(mids*leaves), leaf/leaves%mids, leaf%leaves
		folder := filepath.Join("tree", fmt.Sprint(top), fmt.Sprint(mid), fmt.Sprint(low))
		files := first
		if top > 0 {
			n := leaf - mids*leaves
			files = rest*(n+1)/others - rest*n/others
		}
		for f := range files {
			if err := writeSeed(dir, 4096, folder, fmt.Sprintf("file%03d", f)); err != nil {
				return err
			}
		}
	}
	return nil
}

// seedFiles makes a tree of files spread over folders.
func seedFiles(name string, folders, files, size int) func(dir string) error {
	return func(dir string) error {
		for i := range files {
			folder := fmt.Sprintf("d%02d", i%folders)
			if folders == 1 {
				folder = ""
			}
			if err := writeSeed(dir, size, name, folder, fmt.Sprintf("f%03d", i)); err != nil {
				return err
			}
		}
		return nil
	}
}

// seedSources makes the local files that workloads copy in; large is the size of
// the large one, and share that of the small ones.
func seedSources(dir string, large int, share scale) error {
	for _, make := range []func(string) error{
		seedFiles("cp", 20, share.of(500), 4096),
		seedFiles("tar", 15, share.of(300), 4096),
		seedFiles("rsync", 15, share.of(300), 4096),
		seedFiles("repo", 15, share.of(300), 1500),
	} {
		if err := make(dir); err != nil {
			return err
		}
	}
	return writeSeed(dir, large, "large.bin")
}
