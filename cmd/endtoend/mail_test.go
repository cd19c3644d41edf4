package endtoend

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/frugalfs/frugalfs/scripts/rig"
)

// mailAPIs are the environments that choose an API at Filemail.
var mailAPIs = map[string][]string{"classic": {"FRUGALFS_ACCESS_TOKEN="}, "modern": nil}

// newMail mounts an account at Filemail that has received a transfer.
func newMail(t *testing.T, api string, o rig.SandboxOptions, args ...string) *world {
	t.Helper()
	o.Provider = "filemail"
	w := newAccount(t, o)
	write(t, filepath.Join(w.box.Root, "received", "Invoice", "invoice.pdf"), strings.Repeat("invoice ", 1000))
	write(t, filepath.Join(w.box.Root, "received", "Invoice", "more", "terms.txt"), "terms\n")
	w.options = w.mountOptions("mnt", args...)
	w.options.Env = mailAPIs[api]
	w.mount()
	return w
}

// mailed checks how many mails each of ann and bob got.
func (w *world) mailed(n int) {
	w.t.Helper()
	var r struct{ Mails map[string]int }
	must(w.t, w.box.Report(w.ctx, &r))
	if r.Mails["ann@example.com"] != n || r.Mails["bob@example.com"] != n || len(r.Mails) > 2 {
		w.t.Errorf("%d mails expected, got %v", n, r.Mails)
	}
}

const addressed = `printf 'To: ann@example.com, Bob <bob@example.com>\n\nHello\n' >"$MNT/drafts/Trip/recipients.txt"`

// TestMail sends and receives with plain programs.
func TestMail(t *testing.T) {
	t.Parallel()
	for api := range mailAPIs {
		t.Run(api, func(t *testing.T) {
			t.Parallel()
			w := newMail(t, api, rig.SandboxOptions{}, append(short, "--delete-sent")...)
			plant(t, w.src, 2, 3)
			w.run(`cp -r "$MNT/received/Invoice" "$DIR/got"; diff -r "$DIR/got" "$ROOT/received/Invoice"; cat "$MNT"/received/Invoice/* 2>/dev/null || true`)
			w.reset()
			w.run(`cp -r "$SRC" "$MNT/drafts/Trip"; cp "$DIR/got/invoice.pdf" "$MNT/drafts/Trip/"
				! mv "$MNT/drafts/Trip" "$MNT/sent/Trip" 2>"$DIR/err"
				` + addressed)
			w.flush()
			w.remount()
			w.mailed(0)
			w.run(`rm "$MNT/drafts/Trip/invoice.pdf"; diff -r -x recipients.txt "$SRC" "$MNT/drafts/Trip"; cp "$DIR/got/invoice.pdf" "$MNT/drafts/Trip/"
				! cp -r "$SRC" "$MNT/sent/Trip" 2>"$DIR/err"; ! touch "$MNT/received/x" 2>"$DIR/err"; ! rm "$MNT/received/Invoice/invoice.pdf" 2>"$DIR/err"
				mv "$MNT/drafts/Trip" "$MNT/sent/"`)
			w.flush()
			w.mailed(1)
			w.run(`rm "$MNT/sent/Trip/invoice.pdf"; test -z "$(ls "$MNT/drafts")"; diff -r "$SRC" "$MNT/sent/Trip"; cat "$MNT/sent/Trip/a/b/c/deep"`)
			w.flush()
			w.run(`diff -r "$SRC" "$ROOT/sent/Trip"; mv "$MNT/sent/Trip" "$MNT/sent/Journey"`)
			w.flush()
			w.remountEmpty()
			w.run(`diff -r "$SRC" "$MNT/sent/Journey"; rm -r "$MNT/sent/Journey"`)
			w.flush()
			w.run(`test -z "$(ls "$ROOT/sent")"; diff -r "$DIR/got" "$MNT/received/Invoice"`)
			w.mailed(1)
		})
	}
}

// TestMailCrash kills the mount with -9 while it sends: each recipient gets one
// mail.
func TestMailCrash(t *testing.T) {
	t.Parallel()
	for after := 1; after <= rounds(5, 9); after++ {
		t.Run(fmt.Sprint(after), func(t *testing.T) {
			t.Parallel()
			w := newMail(t, "modern", rig.SandboxOptions{
				Latency: 50 * time.Millisecond, Switches: map[string]string{"complete-twice": "mail"},
			}, short...)
			plant(t, w.src, 1, 2)
			w.run(`ls "$MNT/sent"; cp -r "$SRC" "$MNT/drafts/Trip"; ` + addressed)
			w.reset()
			w.run(`mv "$MNT/drafts/Trip" "$MNT/sent/Trip"`)
			must(t, rig.Until(w.ctx, "requests", func() bool {
				rs, err := w.box.Requests(w.ctx)
				return err != nil || len(rs) >= after
			}))
			must(t, w.mnt.Kill())
			must(t, w.mnt.Detach())
			w.mount()
			w.flush()
			w.mailed(1)
			w.run(`diff -r "$SRC" "$MNT/sent/Trip"; diff -r "$SRC" "$ROOT/sent/Trip"; test -z "$(ls "$MNT/drafts")"`)
		})
	}
}
