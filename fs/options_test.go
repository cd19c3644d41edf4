package fs

import (
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/frugalfs/frugalfs/remote"
)

func TestParseFlags(t *testing.T) {
	for _, c := range []struct {
		in   string
		want Flags
		bits uintptr
	}{
		{"", Flags{}, 0},
		{"nosuid,nodev,default_permissions,rw,exec", Flags{}, 0},
		{"ro,noexec", Flags{ReadOnly: true, NoExec: true}, unix.MS_RDONLY | unix.MS_NOEXEC},
		{"ro,rw,noexec,exec,", Flags{}, 0},
		{" noatime, allow_other", Flags{NoAtime: true, AllowOther: true}, unix.MS_NOATIME},
	} {
		got, err := ParseFlags(c.in)
		if err != nil || got != c.want {
			t.Errorf("%q: %+v, %v; want %+v", c.in, got, err, c.want)
		}
		if want := c.bits | unix.MS_NOSUID | unix.MS_NODEV; got.bits() != want {
			t.Errorf("%q: bits %#x, want %#x", c.in, got.bits(), want)
		}
	}
}

func TestUnknownOptionsAreNamed(t *testing.T) {
	for _, word := range []string{"suid", "dev", "max_read=1", "nonsense"} {
		_, err := ParseFlags("ro," + word)
		if !remote.IsKind(err, remote.Invalid) || !strings.Contains(err.Error(), word) {
			t.Errorf("%s: %v", word, err)
		}
	}
}

func TestFlagWords(t *testing.T) {
	got := Flags{ReadOnly: true, NoExec: true, NoAtime: true}.words()
	if want := []string{"nosuid", "nodev", "ro", "noexec", "noatime"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
