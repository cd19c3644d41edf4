package cmd

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

func TestPrefetch(t *testing.T) {
	w := newWorld(t)
	folder := filepath.Join(w.folder, "account", "a folder", "deep")
	must(t, os.MkdirAll(folder, 0o755))
	for i := range 20 {
		must(t, os.WriteFile(filepath.Join(folder, strconv.Itoa(i)), make([]byte, 5000), 0o600))
	}
	w.mount("--cache-size", "40KiB")
	run(t, "prefetch", filepath.Join(w.dir, "absent")).wants(t, exitFailed, "absent")
	run(t, "prefetch", filepath.Join(w.dir, "a folder")).wants(t, exitFailed, "missing: ", "does not fit the cache", "15 files were not fetched")
	run(t, "unmount", w.dir).wants(t, exitDone)
	w.mount()
	w.box.ResetCount()
	run(t, "prefetch", filepath.Join(w.dir, "a folder")).wants(t, exitDone, "20 files here", "of 20 files")
	if n := w.box.Count(); n > 2 {
		t.Errorf("%d requests: %v", n, w.box.CountBy())
	}
	run(t, "prefetch", w.dir).wants(t, exitDone, "of 20 files")
	run(t, "unmount", w.dir).wants(t, exitDone)
	run(t, "prefetch", w.folder).wants(t, exitFailed, "on no mount of frugalfs")
	run(t, "prefetch").wants(t, exitUsage, "PATH")
}
