package cmd

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestUsage has everything that is written wrong end with exit code 2, and name
// it.
func TestUsage(t *testing.T) {
	dir := isolated(t)
	mnt := filepath.Join(dir, "mnt")
	good := []string{"mount", ":", mnt, "--provider", "exavault", "--url", "https://site.example"}
	with := func(more ...string) []string { return append(append([]string{}, good...), more...) }
	for _, c := range []struct {
		args  []string
		words []string
	}{
		{[]string{"explode"}, []string{"explode"}},
		{[]string{"mount"}, []string{"REMOTE and MOUNTPOINT", "0 arguments"}},
		{[]string{"mount", ":"}, []string{"1 argument"}},
		{[]string{"mount", ":", mnt}, []string{"--provider", "exavault"}},
		{[]string{"mount", ":", mnt, "--provider", "nothing"}, []string{"nothing", "exavault"}},
		{[]string{"mount", ":", mnt, "--provider", "exavault"}, []string{"--url"}},
		{[]string{"mount", "work:", mnt, "--provider", "exavault", "--url", "https://x"}, []string{"work:"}},
		{[]string{"mount", ":/a/../..", mnt, "--provider", "exavault", "--url", "https://x"}, []string{"leads out"}},
		{with("--url", "site.example"), []string{"https://site.example"}},
		{with("--url", "me:"+testKey+"@site.example"), []string{"https://site.example"}},
		{with("--url", "http://site.example"), []string{"https"}},
		{with("--url", "ftp://site.example"), []string{"https"}},
		{with("--settle", "soon"), []string{"soon", "--settle"}},
		{with("--settle", "-1s"), []string{"--settle"}},
		{with("--max-age", "1ns"), []string{"--max-age"}},
		{with("--cache-size", "many"), []string{"many"}},
		{with("--sync", "sometimes"), []string{"sometimes", "close"}},
		{with("--log-level", "loud"), []string{"loud"}},
		{with("--daily-limit", "-4"), []string{"--daily-limit"}},
		{with("--webhook-listen", "8080"), []string{"--webhook-listen", "HOST:PORT"}},
		{with("--webhook-listen", "127.0.0.1:none"), []string{"--webhook-listen", "HOST:PORT"}},
		{with("--webhook-listen", "127.0.0.1:"), []string{"--webhook-listen", "HOST:PORT"}},
		{with("--webhook-listen", "127.0.0.1:8080"), []string{envWebhookToken}},
		{with("--delete-sent"), []string{"--delete-sent", "exavault"}},
		{with("--webhook-listen", "127.0.0.1:8080", "--provider", "filescom"), []string{"--webhook-listen", "filescom"}},
		{with("-o", "ro,nonsense"), []string{"nonsense"}},
		{with("--nonsense"), []string{"--nonsense"}},
		{[]string{"flush"}, []string{"MOUNTPOINT"}},
		{[]string{"flush", mnt, "--timeout", "-1s"}, []string{"--timeout"}},
		{[]string{"unmount"}, []string{"MOUNTPOINT"}},
		{[]string{"unmount", mnt, "--timeout", "-1s"}, []string{"--timeout"}},
		{[]string{"status", "a", "b"}, []string{"1 arg"}},
		{[]string{"pending"}, []string{"MOUNTPOINT"}},
		{[]string{"pending", mnt, "explode"}, []string{"retry, export DIR, drop"}},
		{[]string{"pending", mnt, "export"}, []string{"export DIR"}},
		{[]string{"pending", mnt, "retry", "--explain"}, []string{"--explain"}},
		{[]string{"sandbox"}, []string{"--root"}},
		{[]string{"sandbox", "--root", dir, "--provider", "nothing"}, []string{"nothing", "exavault"}},
		{[]string{"sandbox", "--root", dir, "--switch", "totals"}, []string{"NAME=VALUE"}},
		{[]string{"sandbox", "--root", dir, "--switch", "totals=funny"}, []string{"funny", "right"}},
		{[]string{"sandbox", "--root", dir, "--limit", "0"}, []string{"--limit"}},
		{[]string{"sandbox", "--root", dir, "--latency", "-1s"}, []string{"--latency"}},
		{[]string{"sandbox", "--list-switches", "--provider", "nothing"}, []string{"nothing"}},
		{[]string{"demo", mnt, "--provider", "nothing"}, []string{"nothing"}},
		{[]string{"version", "x"}, []string{"no arguments"}},
	} {
		t.Run(strings.Join(c.args, " "), func(t *testing.T) {
			t.Setenv(envAPIKey, testKey)
			t.Setenv(envAccessToken, testToken)
			run(t, c.args...).wants(t, exitUsage, c.words...)
		})
	}
}

func TestMissingCredentials(t *testing.T) {
	mnt := isolated(t)
	for _, name := range []string{envAPIKey, envAccessToken} {
		t.Setenv(envAPIKey, testKey)
		t.Setenv(envAccessToken, testToken)
		t.Setenv(name, "")
		run(t, "mount", ":", mnt, "--provider", "exavault", "--url", "https://site.example").wants(t, exitUsage, name)
	}
	t.Setenv(envAPIKey, testKey)
	t.Setenv(envAccessToken, testToken+" ")
	run(t, "mount", ":", mnt, "--provider", "exavault", "--url", "https://site.example").wants(t, exitUsage, "access token")
}

func TestHelpAndVersion(t *testing.T) {
	run(t).wants(t, exitDone, "mount", "doctor")
	run(t, "--help").wants(t, exitDone, "Usage")
	run(t, "mount", "--help").wants(t, exitDone, "--cache-size SIZE", "FRUGALFS_API_KEY")
	run(t, "version").wants(t, exitDone, "frugalfs ", "linux/")
	run(t, "sandbox", "--list-switches").wants(t, exitDone, "page-cap=none")
	run(t, "completion", "bash").wants(t, exitDone, "complete")
}

func TestNothingThere(t *testing.T) {
	dir := isolated(t)
	for _, name := range []string{"flush", "unmount", "status", "pending"} {
		run(t, name, dir).wants(t, exitFailed, dir, "nothing is mounted")
		run(t, name, "/proc").wants(t, exitFailed, "/proc", "not one of frugalfs")
		run(t, name, filepath.Join(dir, "a", "b")).wants(t, exitFailed, "does not exist")
	}
}

func TestSize(t *testing.T) {
	for text, want := range map[string]size{
		"0": 0, "17": 17, "1K": 1 << 10, "1.5k": 1536, "500M": 500 << 20, "10G": 10 << 30, "2TiB": 2 << 40, "3 GB": -1, "3GB": 3 << 30,
		"": -1, "G": -1, "-1": -1, "many": -1, "nan": -1, "inf": -1, "1e30": -1, "9000000000G": -1,
	} {
		var got size
		if err := got.Set(text); err != nil {
			got = -1
		}
		if got != want {
			t.Errorf("%q is %d, want %d", text, got, want)
		}
	}
}

func TestHumanSize(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0 B", 1023: "1023 B", 1024: "1 KiB", 1536: "1.5 KiB", 10 << 10: "10 KiB", 1023 << 10: "1 MiB", 10 << 30: "10 GiB", 1 << 62: "4096 PiB",
	} {
		if got := humanSize(n); got != want {
			t.Errorf("%d is %q, want %q", n, got, want)
		}
	}
}

func TestRemoteFolder(t *testing.T) {
	for name, want := range map[string]string{
		":": "/", ":/": "/", ":/a": "/a", ":/a//b/": "/a/b", ":/..a": "/..a", ":a": "", "": "", "x:/a": "", ":/../a": "",
	} {
		if got, err := remoteFolder(name); got != want || (err == nil) != (want != "") {
			t.Errorf("%q is %q, %v; want %q", name, got, err, want)
		}
	}
}

// TestDefaultState has accounts and folders not share a state folder.
func TestDefaultState(t *testing.T) {
	dir := isolated(t)
	seen := map[string]bool{}
	for _, words := range [][]string{{"a", "/"}, {"a", "/x"}, {"b", "/"}, {"a/", ""}} {
		got, err := defaultState("site.example", words...)
		must(t, err)
		if !strings.HasPrefix(got, filepath.Join(dir, "XDG_STATE_HOME", "frugalfs", "site.example-")) || seen[got] {
			t.Errorf("%v is %s", words, got)
		}
		seen[got] = true
	}
	t.Setenv("XDG_STATE_HOME", "relative")
	t.Setenv("HOME", "/home/me")
	if got, err := stateHome(); got != "/home/me/.local/state/frugalfs" {
		t.Errorf("got %s, %v", got, err)
	}
	t.Setenv("HOME", "")
	if _, err := stateHome(); err == nil {
		t.Error("there is a state folder without a home")
	}
}
