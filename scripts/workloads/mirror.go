package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/frugalfs/frugalfs/scripts/rig"
)

// readAccount reads what the account holds: from the sandbox's own folder, or
// through another mount, which knows nothing yet, where the sandbox has names of
// its own there.
func (b *bench) readAccount(skip func(string) bool) (t rig.Tree, err error) {
	if !b.service.mirrored {
		return rig.ReadTree(b.root, skip)
	}
	b.mirrors++
	name := fmt.Sprintf("mirror%03d", b.mirrors)
	m, err := rig.StartMount(b.ctx, b.binary, rig.MountOptions{
		Sandbox: b.box, Dir: filepath.Join(b.dir, name), State: filepath.Join(b.dir, "state-"+name),
		Log: filepath.Join(b.dir, name+".log"), Args: []string{"--read-only"},
	})
	if err != nil {
		return nil, err
	}
	defer func() {
		if e := m.Unmount(b.ctx, patience); err == nil {
			err = e
		}
		_ = m.Detach()
		_ = m.Kill()
		_ = os.RemoveAll(m.State)
	}()
	if err := fetchAll(b, m.Dir); err != nil {
		return nil, err
	}
	return rig.ReadTree(m.Dir, skip)
}

// fetchAll has many readers fetch what is not known yet: one after the other
// they would wait for each answer.
func fetchAll(b *bench, dir string) error {
	cmd := exec.CommandContext(b.ctx, "bash", "-c", `find "$0" -type f -print0 | xargs -0 -r -n 20 -P 12 cat >/dev/null`, dir)
	cmd.Stderr = os.Stderr
	return cmd.Run()
}
