package fs

import "testing"

func TestParseMount(t *testing.T) {
	line := `36 27 0:45 / /home/me/my\040files\134x rw,nosuid,nodev,relatime shared:1 master:2 - fuse.frugalfs work:/a\040b rw,user_id=0` + "\n"
	want := MountEntry{Dir: `/home/me/my files\x`, Device: "0:45", Type: Type, Source: "work:/a b"}
	if got, ok := parseMount(line); !ok || got != want || !got.Ours() {
		t.Errorf("%+v, %v", got, ok)
	}
	for _, bad := range []string{"", "36 27 0:45 / /x rw", "36 - ext4 /dev/sda1", "1 2 3 4 5 6 - ext4\n"} {
		if m, ok := parseMount(bad); ok {
			t.Errorf("%q: %+v", bad, m)
		}
	}
}

func FuzzParseMount(f *testing.F) {
	f.Add(`36 27 0:45 / /x rw - fuse.frugalfs frugalfs rw`)
	f.Add(` - `)
	f.Fuzz(func(t *testing.T, line string) { parseMount(line) })
}

func TestMountsSeesTheRoot(t *testing.T) {
	if _, ok, err := Mounted("/"); !ok || err != nil {
		t.Errorf("nothing is mounted at /: %v", err)
	}
	if all, err := Mounts(); len(all) == 0 || err != nil {
		t.Errorf("%d mounts, %v", len(all), err)
	}
}
