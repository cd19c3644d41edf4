package endtoend

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/frugalfs/frugalfs/scripts/rig"
)

// wrong is one command that must fail.
type wrong struct {
	name string
	args []string
	env  []string
	// code is the exit code, says are words that the message must hold.
	code int
	says []string
}

// TestBadInput has everything that people get wrong end with the right exit
// code, and one line that names the thing and the way out.
func TestBadInput(t *testing.T) {
	t.Parallel()
	w := newWorld(t, short...)
	empty, state := filepath.Join(w.dir, "empty"), filepath.Join(w.dir, "unused-state")
	must(t, os.Mkdir(empty, 0o755))
	busy := filepath.Join(w.dir, "busy")
	write(t, filepath.Join(busy, "file"), "x")
	// mountOn is a right command but for the words that replace its last ones.
	mountOn := func(dir, url, state string, more ...string) []string {
		return append([]string{"mount", ":", dir, "--provider", "exavault", "--url", url, "--state-dir", state}, more...)
	}
	for _, c := range []wrong{
		{"wrong key", mountOn(empty, w.box.URL, state), []string{"FRUGALFS_API_KEY=nonsense-0123"}, 1, []string{"key"}},
		{"wrong token", mountOn(empty, w.box.URL, state), []string{"FRUGALFS_ACCESS_TOKEN=nonsense-0123"}, 1, []string{"token"}},
		{"no key", mountOn(empty, w.box.URL, state), []string{"FRUGALFS_API_KEY=", "FRUGALFS_ACCESS_TOKEN="}, 2, []string{"FRUGALFS_API_KEY"}},
		{"unreachable host", mountOn(empty, "https://127.0.0.1:9", state), nil, 1, []string{"127.0.0.1:9"}},
		{"unknown host", mountOn(empty, "https://nowhere.invalid", state), nil, 1, []string{"nowhere.invalid"}},
		{"URL without scheme", mountOn(empty, "site.exavault.com", state), nil, 2, []string{"https://site.exavault.com"}},
		{"plain http", mountOn(empty, "http://site.exavault.com", state), nil, 2, []string{"https"}},
		{"no URL", []string{"mount", ":", empty, "--provider", "exavault"}, nil, 2, []string{"--url"}},
		{"unknown provider", []string{"mount", ":", empty, "--provider", "nothing", "--url", w.box.URL}, nil, 2, []string{"nothing", "exavault"}},
		{"mount point missing", mountOn(filepath.Join(w.dir, "missing"), w.box.URL, state), nil, 1, []string{"missing", "mkdir"}},
		{"mount point a file", mountOn(filepath.Join(busy, "file"), w.box.URL, state), nil, 1, []string{"file"}},
		{"mount point not empty", mountOn(busy, w.box.URL, state), nil, 1, []string{"busy", "empty"}},
		{"already mounted", mountOn(w.mnt.Dir, w.box.URL, state), nil, 1, []string{"mnt", "mounted"}},
		{"state folder in use", mountOn(empty, w.box.URL, w.mnt.State), nil, 1, []string{w.mnt.State, "in use"}},
		{"state folder not writable", mountOn(empty, w.box.URL, "/proc/frugalfs"), nil, 1, []string{"/proc/frugalfs"}},
		{"state folder is a file", mountOn(empty, w.box.URL, filepath.Join(busy, "file")), nil, 1, []string{"file"}},
		{"unknown flag", mountOn(empty, w.box.URL, state, "--nonsense"), nil, 2, []string{"--nonsense"}},
		{"unknown option", mountOn(empty, w.box.URL, state, "-o", "nonsense"), nil, 2, []string{"nonsense"}},
		{"bad size", mountOn(empty, w.box.URL, state, "--cache-size", "many"), nil, 2, []string{"many"}},
		{"bad duration", mountOn(empty, w.box.URL, state, "--settle", "soon"), nil, 2, []string{"soon"}},
		{"bad sync", mountOn(empty, w.box.URL, state, "--sync=sometimes"), nil, 2, []string{"sometimes"}},
		{"no arguments", []string{"mount"}, nil, 2, nil},
		{"unknown command", []string{"explode"}, nil, 2, []string{"explode"}},
		{"flush of nothing", []string{"flush", empty}, nil, 1, []string{"empty"}},
		{"unmount of nothing", []string{"unmount", empty}, nil, 1, []string{"empty"}},
		{"status of nothing", []string{"status", empty}, nil, 1, []string{"empty"}},
		{"sandbox without root", []string{"sandbox", "--provider", "exavault"}, nil, 2, []string{"--root"}},
	} {
		t.Run(c.name, func(t *testing.T) { c.check(t, w) })
	}
}

func (c wrong) check(t *testing.T, w *world) {
	ctx, cancel := context.WithTimeout(w.ctx, 30*time.Second)
	defer cancel()
	env := append([]string{"FRUGALFS_API_KEY=" + rig.APIKey, "FRUGALFS_ACCESS_TOKEN=" + rig.AccessToken}, c.env...)
	for _, args := range c.variants() {
		r := rig.Run(ctx, binary, env, args...)
		oneLine(t, r, c.code, c.says)
	}
	if rig.Mounted(filepath.Join(w.dir, "empty")) {
		t.Error("it is mounted all the same")
		_ = rig.Detach(filepath.Join(w.dir, "empty"))
	}
}

// variants are the command in the foreground and, for mounts, as a daemon.
func (c wrong) variants() [][]string {
	if len(c.args) < 3 || c.args[0] != "mount" {
		return [][]string{c.args}
	}
	return [][]string{c.args, append(append([]string{}, c.args...), "--daemon")}
}

// oneLine checks an exit code, and that the message is one line with some
// words in it, and no secret.
func oneLine(t *testing.T, r rig.Result, code int, says []string) {
	t.Helper()
	if r.Code != code {
		t.Errorf("exit code %d, not %d", r.Code, code)
	}
	text := strings.TrimSuffix(r.Stderr, "\n")
	if text == "" || strings.Contains(text, "\n") || !strings.HasPrefix(text, "frugalfs: ") {
		t.Errorf("not one line that begins with its name:\n%s", r.Stderr)
	}
	for _, word := range says {
		if !strings.Contains(strings.ToLower(text), strings.ToLower(word)) {
			t.Errorf("the message lacks %q: %s", word, text)
		}
	}
	for _, secret := range []string{rig.APIKey, rig.AccessToken, "nonsense-0123"} {
		if strings.Contains(r.Stderr+r.Stdout, secret) {
			t.Errorf("the message holds a secret: %s", text)
		}
	}
}

// TestBadState has a state database that is newer or damaged. Newer is refused;
// damaged is set aside, and nothing is lost by it.
func TestBadState(t *testing.T) {
	t.Parallel()
	w := newWorld(t, short...)
	w.run(`echo one >"$MNT/file"`)
	must(t, w.mnt.Unmount(w.ctx, patience))
	db := filepath.Join(w.options.State, "frugalfs.db")
	version := strings.TrimSpace(w.run(`sqlite3 "` + db + `" "pragma user_version"`))
	w.run(`sqlite3 "` + db + `" "pragma user_version=9999" >/dev/null`)
	env := []string{"FRUGALFS_API_KEY=" + rig.APIKey, "FRUGALFS_ACCESS_TOKEN=" + rig.AccessToken}
	r := rig.Run(w.ctx, binary, env, w.options.Command()...)
	oneLine(t, r, 1, []string{"frugalfs.db", "newer", "--state-dir"})
	w.run(`sqlite3 "` + db + `" "pragma user_version=` + version + `" >/dev/null`)
	w.mount()
	must(t, w.mnt.Unmount(w.ctx, patience))

	write(t, db, strings.Repeat("this is no database\n", 1000))
	w.mount()
	w.run(`test "$(cat "$MNT/file")" = one; ls "` + w.options.State + `" | grep -q damaged`)
	w.same()
}

// TestFullDisk has the state folder on a full disk: a mount that cannot begin
// says so, and one whose disk fills up refuses writes and loses nothing.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	w := newAccount(t, rig.SandboxOptions{})
	small := w.mountOnSmallDisk(64 << 20)
	w.run(`echo kept >"$MNT/before"; ! dd if=/dev/zero of="$MNT/large" bs=1M count=100 2>"$DIR/dd"; grep -q "No space" "$DIR/dd"
		rm "$MNT/large"; test "$(cat "$MNT/before")" = kept`)
	w.flush()
	w.run(`echo again >"$MNT/after"`)
	w.flush()
	w.diff()
	must(t, w.mnt.Unmount(w.ctx, patience))
	w.run(`cat /dev/zero >"$DIR/small/fill" 2>/dev/null || true`)
	env := []string{"FRUGALFS_API_KEY=" + rig.APIKey, "FRUGALFS_ACCESS_TOKEN=" + rig.AccessToken}
	o := w.options
	o.State = filepath.Join(small, "other")
	r := rig.Run(w.ctx, binary, env, o.Command()...)
	oneLine(t, r, 1, []string{"space"})
}
