package cmd

import (
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/frugalfs/frugalfs/remote"
)

func (a *app) doctorCommand() *cobra.Command {
	var stateDir string
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Find what on this machine would keep a mount from working",
		Args:  need(),
		RunE: func(*cobra.Command, []string) error {
			m, err := thisMachine(stateDir)
			if err != nil {
				return err
			}
			return a.doctor(m)
		},
	}
	c.Flags().StringVar(&stateDir, "state-dir", "", "state folder to look at (default: where the default ones are)")
	return c
}

// machine is what the doctor looks at.
type machine struct {
	device, fuseConf string
	root             bool
	release          string
	helper           func() (string, error)
	state            string
}

func thisMachine(stateDir string) (m machine, err error) {
	if stateDir == "" {
		if stateDir, err = stateHome(); err != nil {
			return m, err
		}
	}
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return m, remote.E(remote.Other, "ask for the kernel's version", "", err)
	}
	return machine{
		device: "/dev/fuse", fuseConf: "/etc/fuse.conf", root: os.Geteuid() == 0, release: unix.ByteSliceToString(u.Release[:]),
		helper: func() (string, error) { return exec.LookPath("fusermount3") }, state: stateDir,
	}, nil
}

// grade is how bad a finding is.
type grade string

const (
	fine grade = "ok"
	note grade = "note" // a mount works, with less
	bad  grade = "BAD"  // a mount does not work
)

// finding is what the doctor has to say about one thing.
type finding struct {
	grade        grade
	about, words string
}

// doctor prints all findings. It fails if one of them is bad.
func (a *app) doctor(m machine) error {
	worst := 0
	for _, examine := range []func() finding{m.checkDevice, m.checkHelper, m.checkOthers, m.checkKernel, m.checkState, m.checkSpace} {
		f := examine()
		a.printf("%-5s %-17s %s\n", f.grade, f.about, f.words)
		if f.grade == bad {
			worst++
		}
	}
	if worst > 0 {
		return failure(remote.Unsupported, "%s would keep a mount from working; see above", plural(worst, "thing", "things"))
	}
	return nil
}

func (m machine) checkDevice() finding {
	f, err := os.OpenFile(m.device, os.O_RDWR, 0)
	switch {
	case err == nil:
		_ = f.Close()
		return finding{fine, m.device, "can be opened"}
	case errors.Is(err, os.ErrNotExist):
		return finding{bad, m.device, "is missing: load the module with: modprobe fuse (in a container: start it with --device /dev/fuse --cap-add SYS_ADMIN)"}
	case errors.Is(err, os.ErrPermission):
		return finding{bad, m.device, "may not be opened: have it made accessible with: chmod 666 " + m.device}
	}
	return finding{bad, m.device, oneLine(err.Error())}
}

func (m machine) checkHelper() finding {
	path, err := m.helper()
	switch {
	case m.root:
		return finding{fine, "fusermount3", "is not needed by root"}
	case err != nil:
		return finding{bad, "fusermount3", "is missing: install the package fuse3"}
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode()&os.ModeSetuid == 0 {
		return finding{bad, "fusermount3", "lacks the right to mount: reinstall the package fuse3, or have it set with: chmod u+s " + path}
	}
	return finding{fine, "fusermount3", path}
}

func (m machine) checkOthers() finding {
	text, err := os.ReadFile(m.fuseConf)
	allowed := err == nil && hasLine(string(text), "user_allow_other")
	switch {
	case m.root:
		return finding{fine, "--allow-other", "is allowed to root"}
	case allowed:
		return finding{fine, "--allow-other", "is allowed"}
	}
	return finding{note, "--allow-other", "is not allowed: for it, have the line user_allow_other added to " + m.fuseConf}
}

func hasLine(text, want string) bool {
	for line := range strings.Lines(text) {
		if strings.TrimSpace(line) == want {
			return true
		}
	}
	return false
}

// Kernel versions: renameat2 flags and cached folders reached FUSE in 4.20, the
// kernel reads cached files past the daemon from 6.9 on (passthrough).
var (
	oldestKernel      = [2]int{4, 20}
	passthroughKernel = [2]int{6, 9}
)

func (m machine) checkKernel() finding {
	v, ok := kernelVersion(m.release)
	switch {
	case !ok:
		return finding{note, "kernel", "has the unknown version " + m.release}
	case less(v, oldestKernel):
		return finding{bad, "kernel", m.release + " is too old: 4.20 is the oldest that serves"}
	case less(v, passthroughKernel):
		return finding{note, "kernel", m.release + ": from 6.9 on, cached files are read as fast as local ones"}
	}
	return finding{fine, "kernel", m.release}
}

func less(a, b [2]int) bool { return a[0] < b[0] || a[0] == b[0] && a[1] < b[1] }

// kernelVersion reads the first two numbers of a release as uname tells it.
func kernelVersion(release string) (v [2]int, ok bool) {
	parts := strings.SplitN(release, ".", 3)
	if len(parts) < 2 {
		return v, false
	}
	for i := range v {
		digits := strings.TrimRight(parts[i], "-+abcdefghijklmnopqrstuvwxyz")
		n, err := strconv.Atoi(digits)
		if err != nil {
			return v, false
		}
		v[i] = n
	}
	return v, true
}

// unfit are file systems that a state folder should not be on, by the magic
// numbers of statfs(2).
var unfit = map[int64]finding{
	unix.NFS_SUPER_MAGIC:   {bad, "", "is on NFS, which a database cannot rely on"},
	unix.SMB_SUPER_MAGIC:   {bad, "", "is on a network share, which a database cannot rely on"},
	unix.SMB2_SUPER_MAGIC:  {bad, "", "is on a network share, which a database cannot rely on"},
	0xff534d42:             {bad, "", "is on a network share, which a database cannot rely on"},
	unix.FUSE_SUPER_MAGIC:  {note, "", "is on a FUSE mount, which may lose what a database wrote when the machine goes down"},
	unix.TMPFS_MAGIC:       {note, "", "is in memory: what is not sent is lost when the machine goes down"},
	unix.RAMFS_MAGIC:       {note, "", "is in memory: what is not sent is lost when the machine goes down"},
	unix.PROC_SUPER_MAGIC:  {bad, "", "is no place for files"},
	unix.SYSFS_MAGIC:       {bad, "", "is no place for files"},
	unix.MSDOS_SUPER_MAGIC: {bad, "", "is on FAT, which keeps no permissions"},
}

func (m machine) checkState() finding {
	s, err := m.statfs()
	if err != nil {
		return finding{bad, "state folder", m.state + ": " + oneLine(err.Error()) + "; name another one with --state-dir"}
	}
	f, ok := unfit[int64(uint32(s.Type))] //nolint:unconvert // its type differs between architectures
	if !ok {
		return finding{fine, "state folder", m.state}
	}
	return finding{f.grade, "state folder", m.state + " " + f.words + "; name another folder with --state-dir"}
}

// leastSpace is how much the disk of the state folder should have free.
const leastSpace = 1 << 30

func (m machine) checkSpace() finding {
	s, err := m.statfs()
	if err != nil {
		return finding{bad, "space", "is not known"}
	}
	free := int64(s.Bavail) * s.Bsize //nolint:unconvert // its type differs between architectures
	text := humanSize(free) + " free for the state folder"
	if free < leastSpace {
		return finding{note, "space", text + ": files larger than that can be neither written nor read"}
	}
	return finding{fine, "space", text}
}

// statfs asks for the file system of the state folder, or of the folder that it
// would be made in.
func (m machine) statfs() (s unix.Statfs_t, err error) {
	dir, err := existing(m.state)
	if err != nil {
		return s, err
	}
	if err := unix.Access(dir, unix.W_OK); err != nil {
		return s, diskError("write to", dir, err)
	}
	return s, diskError("look at", dir, unix.Statfs(dir, &s))
}
