package cache

import (
	"context"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/frugalfs/frugalfs/cache/store"
	"github.com/frugalfs/frugalfs/remote"
)

// Setattr changes a node's attributes. All but the size are kept here only,
// where the provider cannot hold them.
func (ns *Namespace) Setattr(ctx context.Context, ino uint64, set Set) (Attr, error) {
	if err := ns.writable("setattr", ""); err != nil {
		return Attr{}, err
	}
	if set.Size != nil {
		if err := ns.truncate(ctx, ino, *set.Size, set.File); err != nil {
			return Attr{}, err
		}
	}
	if set.Mtime != nil {
		if err := ns.setContentTime(ino, *set.Mtime); err != nil {
			return Attr{}, err
		}
	}
	var n *store.Node
	err := ns.update(func(t txn) (err error) {
		if n, err = t.get(ino); err != nil || n == nil {
			return staleOr(err, ino)
		}
		c := *n
		applySet(&c, set)
		c.Ctime = ns.now()
		n = &c
		return t.put(n)
	})
	if err != nil {
		return Attr{}, err
	}
	return ns.attr(n), nil
}

func staleOr(err error, ino uint64) error {
	if err != nil {
		return err
	}
	return remote.E(remote.Stale, "open", fmt.Sprintf("inode %d", ino), nil)
}

func applySet(n *store.Node, set Set) {
	if set.Mode != nil {
		n.Mode = *set.Mode & permissionBits
	}
	if set.UID != nil {
		n.UID = *set.UID
	}
	if set.GID != nil {
		n.GID = *set.GID
	}
	if set.Mtime != nil {
		n.Mtime = *set.Mtime
	}
}

// The largest name and value of an extended attribute, as on Linux.
const (
	maxXattrName  = 255
	maxXattrValue = 64 << 10
)

// xattrPrefix begins the names of attributes that are kept; statusXattrs those
// that tell something about the node.
const (
	xattrPrefix  = "user."
	statusXattrs = "user.frugalfs."
)

// Getxattr returns an extended attribute.
func (ns *Namespace) Getxattr(_ context.Context, ino uint64, name string) ([]byte, error) {
	if !strings.HasPrefix(name, xattrPrefix) {
		return nil, remote.E(remote.Unsupported, "getxattr", name, nil)
	}
	if strings.HasPrefix(name, statusXattrs) {
		return ns.statusXattr(ino, name)
	}
	var value []byte
	err := ns.view(func(t txn) error {
		v, ok, err := t.Xattr(ino, name)
		if err == nil && !ok {
			err = remote.E(remote.NoAttr, "getxattr", name, nil)
		}
		value = v
		return err
	})
	return value, err
}

// Setxattr stores an extended attribute; flags are setxattr(2)'s.
func (ns *Namespace) Setxattr(_ context.Context, ino uint64, name string, value []byte, flags uint32) error {
	switch {
	case ns.opt.ReadOnly:
		return remote.E(remote.ReadOnly, "setxattr", name, nil)
	case !strings.HasPrefix(name, xattrPrefix):
		return remote.E(remote.Unsupported, "setxattr", name, nil)
	case strings.HasPrefix(name, statusXattrs):
		return remote.E(remote.NotPermitted, "setxattr", name, nil)
	case len(name) > maxXattrName || len(value) > maxXattrValue:
		return remote.E(remote.OutOfRange, "setxattr", name, nil)
	}
	return ns.update(func(t txn) error {
		_, found, err := t.Xattr(ino, name)
		switch {
		case err != nil:
			return err
		case found && flags&unix.XATTR_CREATE != 0:
			return remote.E(remote.Exist, "setxattr", name, nil)
		case !found && flags&unix.XATTR_REPLACE != 0:
			return remote.E(remote.NoAttr, "setxattr", name, nil)
		}
		return t.SetXattr(ino, name, value)
	})
}

// Listxattr returns the names of a node's extended attributes. Those that tell
// its status are left out: cp -a would copy them.
func (ns *Namespace) Listxattr(_ context.Context, ino uint64) (names []string, err error) {
	err = ns.view(func(t txn) error {
		names, err = t.Xattrs(ino)
		return err
	})
	return names, err
}

// Removexattr removes an extended attribute.
func (ns *Namespace) Removexattr(_ context.Context, ino uint64, name string) error {
	if err := ns.writable("removexattr", name); err != nil {
		return err
	}
	if !strings.HasPrefix(name, xattrPrefix) {
		return remote.E(remote.Unsupported, "removexattr", name, nil)
	}
	return ns.update(func(t txn) error {
		_, found, err := t.Xattr(ino, name)
		if err == nil && !found {
			err = remote.E(remote.NoAttr, "removexattr", name, nil)
		}
		if err != nil {
			return err
		}
		return t.DropXattr(ino, name)
	})
}

// statusXattr tells how a node stands with the provider.
func (ns *Namespace) statusXattr(ino uint64, name string) ([]byte, error) {
	n, err := ns.node(ino)
	if err != nil {
		return nil, err
	}
	if name != statusXattrs+"state" {
		return nil, remote.E(remote.NoAttr, "getxattr", name, nil)
	}
	return []byte(ns.nodeState(n)), nil
}

// nodeState is a node's standing in a word or two.
func (ns *Namespace) nodeState(n *store.Node) string {
	if top := ns.goesWith(n); top != nil {
		n = top
	}
	switch {
	case n.LocalOnly, n.Dirty != nil && ns.restsHere(n):
		return "local"
	case n.Dirty == nil:
		return "clean"
	case n.Dirty.Failed != "":
		return "failed: " + n.Dirty.Failed
	case ns.sending(n.Ino):
		return ns.sendingState(n.Ino)
	}
	return "pending"
}
