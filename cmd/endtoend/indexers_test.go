package endtoend

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/frugalfs/frugalfs/scripts/rig"
)

// TestIndexers has an indexer get what is known, and EACCES for all else, without
// a request. A thumbnailer is served.
func TestIndexers(t *testing.T) {
	t.Parallel()
	w := newAccount(t, rig.SandboxOptions{})
	for _, name := range []string{"d/known", "d/other"} {
		write(t, filepath.Join(w.box.Root, name), name+"\n")
	}
	w.largeFile("d/film", 3<<20)
	w.mountWith(short...)
	w.run(`ls -R "$MNT"; cp "$(readlink -f /bin/cat)" updatedb; cp updatedb tumblerd`)
	w.run(`cat "$MNT/d/known"`) // the film is no part of an archive of small files
	w.settled()
	w.reset()
	const as = `as() { local p=$1; shift; (exec -a cat "$DIR/$p" "$@"); }; cd "$MNT/d"; `
	w.run(as + `test "$(as updatedb known)" = d/known`)
	w.fails(as+`as updatedb film`, "Permission denied")
	if n := w.counts().Count; n != 0 {
		t.Errorf("an indexer cost %d requests:\n%s", n, w.requests())
	}
	if s := w.status().Spared; s == nil || s.Requests == 0 || !slices.Equal(s.Programs, []string{"updatedb"}) {
		t.Errorf("status tells of indexers: %+v", s)
	}
	if r := rig.Run(w.ctx, binary, nil, "status", w.mnt.Dir); !strings.Contains(r.Stdout, "not made for updatedb") {
		t.Errorf("status does not tell of the indexer:\n%s", r.Stdout)
	}
	w.run(as + `as tumblerd film | cmp - "$ROOT/d/film"; test "$(as updatedb film | wc -c)" = 3145728`)
}
