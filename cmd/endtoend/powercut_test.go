package endtoend

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/frugalfs/frugalfs/scripts/rig"
)

// extShutdown is the ioctl EXT4_IOC_SHUTDOWN, noLog its way that loses what was
// not synced, as a power cut does.
const (
	extShutdown = 0x8004587d
	noLog       = 2
)

// TestPowerCut loses what was not synced of the disk that the state folder is
// on, in the middle of work: what fsync promised is there.
func TestPowerCut(t *testing.T) {
	t.Parallel()
	w := newAccount(t, rig.SandboxOptions{})
	d := newDisk(t, filepath.Join(w.dir, "disk"))
	t.Cleanup(w.endMount) // before the disk goes
	w.options = w.mountOptions("mnt", "--settle", "10m")
	w.options.State = filepath.Join(d.dir, "state")
	w.mount()
	for round := range rounds(3, 20) {
		w.cutPower(d, round)
	}
	w.options.Args = short
	must(t, w.mnt.Kill())
	w.mount()
	w.flush()
	w.run(`for i in "$ROOT"/synced*; do test "$(head -c 4 "$i")" = "sync"; done`)
	w.diff()
}

// cutPower writes files, of which some are synced, and cuts the power.
func (w *world) cutPower(d *disk, round int) {
	w.t.Helper()
	sums := map[string]string{}
	for i := range 10 {
		name := filepath.Join(w.mnt.Dir, "synced"+string(rune('a'+round))+string(rune('a'+i)))
		text := append([]byte("sync"), stream(uint64(round*100+i), 30_000)...)
		must(w.t, writeSynced(name, text))
		sums[name] = sum(text)
		must(w.t, os.WriteFile(name+".not", text, 0o644))
	}
	must(w.t, w.mnt.Kill())
	d.cut()
	w.mount()
	for name, want := range sums {
		if got, err := rig.HashFile(name); got != want {
			w.t.Fatalf("round %d: %s was synced and is not there as it was (%v)", round, name, err)
		}
	}
	left := strings.TrimSpace(w.run(`find "$MNT" -name "*.not" -size +29k | wc -l; rm -f "$MNT"/*.not`))
	w.t.Logf("round %d: all 10 synced files are whole, and %s of 10 that were not synced", round, left)
}

// disk is a file with an ext4 on it, mounted through a loop device.
type disk struct {
	t          *testing.T
	image, dir string
}

func newDisk(t *testing.T, dir string) *disk {
	t.Helper()
	d := &disk{t: t, image: dir + ".img", dir: dir}
	must(t, os.Mkdir(dir, 0o755))
	must(t, os.WriteFile(d.image, nil, 0o600))
	must(t, os.Truncate(d.image, 256<<20))
	command(t, "mkfs.ext4", "-q", d.image)
	d.attach()
	t.Cleanup(func() { _ = unix.Unmount(d.dir, unix.MNT_DETACH) })
	return d
}

func (d *disk) attach() {
	d.t.Helper()
	command(d.t, "mount", "-o", "loop", d.image, d.dir)
}

// cut loses what was not synced, and mounts what is left.
func (d *disk) cut() {
	d.t.Helper()
	f, err := os.Open(d.dir)
	must(d.t, err)
	err = unix.IoctlSetPointerInt(int(f.Fd()), extShutdown, noLog)
	must(d.t, f.Close())
	must(d.t, err)
	must(d.t, unix.Unmount(d.dir, 0))
	d.attach()
}
