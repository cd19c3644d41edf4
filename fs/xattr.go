package fs

import (
	"strings"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"
)

const (
	// ours is the one namespace of extended attributes that is kept.
	ours = "user."
	// status is where the namespace tells about a node. Those attributes can
	// be read but are not listed, so that cp -a does not copy them.
	status = "user.frugalfs."
)

// unsupported is the answer for attributes outside "user.": unlike "no such
// attribute" it makes the kernel stop asking for labels and ACLs.
const unsupported = fuse.Status(syscall.EOPNOTSUPP)

// GetXAttr reads one attribute. An empty dest asks for its length.
func (f *FS) GetXAttr(cancel <-chan struct{}, header *fuse.InHeader, attr string, dest []byte) (uint32, fuse.Status) {
	if !strings.HasPrefix(attr, ours) {
		return 0, unsupported
	}
	ctx := f.reading(cancel, header)
	defer ctx.end()
	value, err := f.ns.Getxattr(ctx, header.NodeId, attr)
	if err != nil {
		return 0, f.answer("getxattr", header.NodeId, err)
	}
	return hand(dest, value)
}

// ListXAttr lists the names of attributes, each ended by a NUL. An empty dest
// asks for the length of the list.
func (f *FS) ListXAttr(cancel <-chan struct{}, header *fuse.InHeader, dest []byte) (uint32, fuse.Status) {
	ctx := f.reading(cancel, header)
	defer ctx.end()
	names, err := f.ns.Listxattr(ctx, header.NodeId)
	if err != nil {
		return 0, f.answer("listxattr", header.NodeId, err)
	}
	var list []byte
	for _, name := range names {
		if !strings.HasPrefix(name, status) {
			list = append(append(list, name...), 0)
		}
	}
	return hand(dest, list)
}

// hand copies value to dest as getxattr(2) wants it done.
func hand(dest, value []byte) (uint32, fuse.Status) {
	n := uint32(len(value))
	if len(dest) > 0 && len(dest) < len(value) {
		return n, fuse.ERANGE
	}
	copy(dest, value)
	return n, fuse.OK
}

// SetXAttr writes one attribute.
func (f *FS) SetXAttr(cancel <-chan struct{}, input *fuse.SetXAttrIn, attr string, data []byte) fuse.Status {
	if !strings.HasPrefix(attr, ours) {
		return unsupported
	}
	ctx := f.changing(&input.InHeader)
	defer ctx.end()
	// data lies in a buffer that go-fuse uses again.
	value := append([]byte{}, data...)
	return f.answer("setxattr", input.NodeId, f.ns.Setxattr(ctx, input.NodeId, attr, value, input.Flags))
}

// RemoveXAttr removes one attribute.
func (f *FS) RemoveXAttr(cancel <-chan struct{}, header *fuse.InHeader, attr string) fuse.Status {
	if !strings.HasPrefix(attr, ours) {
		return unsupported
	}
	ctx := f.changing(header)
	defer ctx.end()
	return f.answer("removexattr", header.NodeId, f.ns.Removexattr(ctx, header.NodeId, attr))
}
