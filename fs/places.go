package fs

import (
	"context"

	"github.com/frugalfs/frugalfs/cache"
)

// locator finds folders in a namespace.
type locator struct{ ns *cache.Namespace }

// place looks for ino among the entries of its parent.
func (l locator) place(ctx context.Context, ino uint64) (parent uint64, name string, ok bool) {
	folder, err := l.ns.OpenDir(ctx, ino)
	if err != nil {
		return 0, "", false
	}
	parent = folder.Parent()
	folder.Close()
	siblings, err := l.ns.OpenDir(ctx, parent)
	if err != nil {
		return 0, "", false
	}
	defer siblings.Close()
	name, ok = nameOf(ctx, siblings, ino)
	return parent, name, ok
}

// nameOf returns the name of ino among the entries of d.
func nameOf(ctx context.Context, d *cache.DirHandle, ino uint64) (string, bool) {
	for cookie := uint64(0); ; {
		entries, err := d.Next(ctx, cookie, 1000)
		if err != nil || len(entries) == 0 {
			return "", false
		}
		for i := range entries {
			if entries[i].Ino == ino {
				return entries[i].Name, true
			}
		}
		cookie = entries[len(entries)-1].Cookie
	}
}
