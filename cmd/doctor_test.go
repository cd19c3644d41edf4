package cmd

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// healthy is a machine without a fault, made of files in a folder.
func healthy(t *testing.T) (m machine, dir string) {
	t.Helper()
	dir = t.TempDir()
	helper := filepath.Join(dir, "fusermount3")
	must(t, os.WriteFile(helper, nil, 0o755))
	must(t, os.Chmod(helper, 0o755|os.ModeSetuid))
	m = machine{
		device: filepath.Join(dir, "fuse"), fuseConf: filepath.Join(dir, "fuse.conf"), release: "6.12.1-amd64",
		helper: func() (string, error) { return helper, nil }, state: filepath.Join(dir, "a", "b"),
	}
	must(t, os.WriteFile(m.device, nil, 0o600))
	must(t, os.WriteFile(m.fuseConf, []byte("# comment\n user_allow_other\n"), 0o600))
	return m, dir
}

func TestDoctor(t *testing.T) {
	m, dir := healthy(t)
	for _, c := range []struct {
		name  string
		spoil func(*machine)
		check func(machine) finding
		want  grade
	}{
		{"device", nil, machine.checkDevice, fine},
		{"no device", func(m *machine) { m.device = filepath.Join(dir, "none") }, machine.checkDevice, bad},
		{"odd device", func(m *machine) { m.device = dir }, machine.checkDevice, bad},
		{"helper", nil, machine.checkHelper, fine},
		{"no helper", func(m *machine) { m.helper = func() (string, error) { return "", errors.New("no") } }, machine.checkHelper, bad},
		{"helper without rights", func(m *machine) { m.helper = func() (string, error) { return m.fuseConf, nil } }, machine.checkHelper, bad},
		{"root needs none", func(m *machine) { m.root, m.helper = true, func() (string, error) { return "", errors.New("no") } }, machine.checkHelper, fine},
		{"others", nil, machine.checkOthers, fine},
		{"others of root", func(m *machine) { m.root, m.fuseConf = true, "" }, machine.checkOthers, fine},
		{"others not allowed", func(m *machine) { m.fuseConf = m.device }, machine.checkOthers, note},
		{"no configuration", func(m *machine) { m.fuseConf = filepath.Join(dir, "none") }, machine.checkOthers, note},
		{"kernel", nil, machine.checkKernel, fine},
		{"kernel without passthrough", func(m *machine) { m.release = "6.8.0" }, machine.checkKernel, note},
		{"old kernel", func(m *machine) { m.release = "4.19.0-27-amd64" }, machine.checkKernel, bad},
		{"two numbers", func(m *machine) { m.release = "7.0-rc1" }, machine.checkKernel, note},
		{"odd kernel", func(m *machine) { m.release = "x" }, machine.checkKernel, note},
		{"state", nil, machine.checkState, fine},
		{"state in /proc", func(m *machine) { m.state = "/proc/x" }, machine.checkState, bad},
		{"state in a file", func(m *machine) { m.state = filepath.Join(m.device, "x") }, machine.checkState, bad},
		{"space", func(m *machine) { m.state = "/proc" }, machine.checkSpace, note},
	} {
		broken := m
		if c.spoil != nil {
			c.spoil(&broken)
		}
		if got := c.check(broken); got.grade != c.want && c.want != fine {
			t.Errorf("%s: %+v, want %s", c.name, got, c.want)
		} else if c.want == fine && got.grade == bad {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
}

func TestDoctorCommand(t *testing.T) {
	isolated(t)
	run(t, "doctor", "--state-dir", "/proc/x").wants(t, exitFailed, "BAD", "/proc/x", "--state-dir", "would keep a mount from working")
	r := run(t, "doctor")
	if r.code == exitDone {
		r.wants(t, exitDone, "/dev/fuse")
	} else { // it is right: this machine cannot mount
		r.wants(t, exitFailed, "BAD")
	}
}

func TestUnfit(t *testing.T) {
	for magic, f := range unfit {
		if f.words == "" || f.grade == fine {
			t.Errorf("%x: %+v", magic, f)
		}
	}
}
