package fs

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"github.com/frugalfs/frugalfs/cache"
	"github.com/frugalfs/frugalfs/remote"
)

const (
	// maxWrite is the largest read and write request, in bytes.
	maxWrite = 1 << 20
	// background is how many requests nobody waits for (read-ahead) the
	// kernel sends at once.
	background = 128
	// readAhead is how far the kernel reads ahead where it may, in KiB. More
	// gains nothing, and a read of a whole MiB does not fit the pipe that it
	// would be spliced through.
	readAhead = 512
)

// Server is a running mount.
type Server struct {
	fs     *FS
	kernel *fuse.Server
	log    *slog.Logger
	// dir is the mount point, device the MAJOR:MINOR of the mount.
	dir, device string
	// done is closed when the last request is answered.
	done chan struct{}
	// goOnce guards the closing of fs.gone.
	goOnce sync.Once
}

// Mount mounts ns at dir and begins to serve it. A frugalfs mount whose
// program was killed is cleared away first.
//
// The mount belongs to the process that made it, which must not touch
// anything below dir itself: it would wait for itself.
func Mount(ns *cache.Namespace, dir string, opts Options) (*Server, error) {
	opts = opts.complete(ns)
	dir, err := prepare(dir, opts)
	if err != nil {
		return nil, err
	}
	f := newFS(ns, opts.Logger)
	kernel, err := fuse.NewServer(f, dir, opts.mountOptions())
	if err != nil {
		f.OnUnmount()
		// The kernel may have mounted, and failed at the first request.
		_ = clearDead(dir)
		return nil, refused(dir, err)
	}
	s := &Server{fs: f, kernel: kernel, log: opts.Logger, dir: dir, done: make(chan struct{})}
	go s.serve()
	s.settle()
	return s, nil
}

// complete fills in what opts leaves open.
func (o Options) complete(ns *cache.Namespace) Options {
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Source == "" {
		o.Source = typeName
	}
	o.ReadOnly = o.ReadOnly || ns.ReadOnly()
	return o
}

// mountOptions returns what go-fuse is to ask of the kernel. Without
// ATOMIC_O_TRUNC a truncating open would come in two requests; without
// HANDLE_KILLPRIV_V2 every write would be preceded by a question for
// security.capability.
func (o Options) mountOptions() *fuse.MountOptions {
	m := &fuse.MountOptions{
		AllowOther:           o.AllowOther,
		Options:              []string{"default_permissions"},
		MaxBackground:        background,
		MaxWrite:             maxWrite,
		FsName:               o.Source,
		Name:                 typeName,
		Debug:                o.Debug,
		Logger:               slog.NewLogLogger(o.Logger.Handler(), slog.LevelInfo),
		EnableSymlinkCaching: true,
		ExtraCapabilities:    fuse.CAP_ATOMIC_O_TRUNC | fuse.CAP_HANDLE_KILLPRIV_V2 | fuse.CAP_ASYNC_DIO | fuse.CAP_DIRECT_IO_ALLOW_MMAP,
		PanicHandler:         o.panicked,
	}
	if direct() {
		m.DirectMountStrict, m.DirectMountFlags = true, o.bits()
	} else {
		m.Options = append(m.Options, o.words()...)
	}
	return m
}

// panicked answers a request whose handler panicked: that one fails, and the
// mount goes on.
func (o Options) panicked(cause any) fuse.Status {
	o.Logger.Error("a request handler panicked", "cause", cause, "stack", string(debug.Stack()))
	return fuse.EIO
}

// direct tells whether this process calls mount(2) itself. Others go through
// the set-uid helper fusermount3.
func direct() bool { return os.Geteuid() == 0 }

// serve answers requests until the mount is gone.
func (s *Server) serve() {
	defer close(s.done)
	s.kernel.Serve()
}

// settle waits until the kernel uses the mount, and gives it more read-ahead.
// Neither is worth failing for.
func (s *Server) settle() {
	if err := s.kernel.WaitMount(); err != nil {
		s.log.Debug("the mount could not be probed", "err", err)
	}
	m, ok, err := mountedAt(s.dir)
	if !ok {
		s.log.Warn("the mount is not in the mount table", "dir", s.dir, "err", err)
		return
	}
	s.device = m.Device
	if err := setReadAhead(s.device, readAhead); err != nil {
		s.log.Debug("read-ahead stays as it is", "err", err)
	}
}

// Dir returns the mount point, absolute and free of symlinks.
func (s *Server) Dir() string { return s.dir }

// Done returns a channel that is closed when the mount is gone, whoever
// unmounted it, and every request is answered.
func (s *Server) Done() <-chan struct{} { return s.done }

// Wait waits for Done.
func (s *Server) Wait() { <-s.done }

// Unmount unmounts, and returns when every request is answered. A mount in
// use is an error of kind Busy, and goes on. A mount that is gone already is
// fine.
func (s *Server) Unmount(ctx context.Context) error {
	// A notification on its way would keep the mount busy.
	s.fs.inval.pause()
	err := s.detach(ctx)
	if err != nil {
		s.fs.inval.resume()
		return err
	}
	select {
	case <-s.done:
		return nil
	case <-ctx.Done():
		return remote.E(remote.Canceled, "unmount", s.dir, ctx.Err())
	}
}

// UnmountLazy takes the mount out of sight at once, although it may be in
// use; requests that wait are given up. What is open keeps working until this
// process ends, and Done tells when it was closed.
func (s *Server) UnmountLazy() error {
	s.goOnce.Do(func() { close(s.fs.gone) })
	if !s.attached() {
		return nil
	}
	return detach(s.dir, true)
}

// attached tells whether this mount is what is visible at its mount point.
func (s *Server) attached() bool {
	m, ok, err := mountedAt(s.dir)
	return err == nil && ok && m.Ours() && (s.device == "" || m.Device == s.device)
}

// detach unmounts, and tries again for a moment if the mount is busy: what a
// program closed last may be on its way.
func (s *Server) detach(ctx context.Context) error {
	for delay := 5 * time.Millisecond; ; delay *= 2 {
		if !s.attached() {
			return nil
		}
		err := detach(s.dir, false)
		if !remote.IsKind(err, remote.Busy) || delay > 100*time.Millisecond {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(delay):
		}
	}
}

// refused explains why the kernel, or fusermount3, did not mount.
func refused(dir string, err error) error {
	e := &remote.Error{Kind: remote.Other, Op: "mount", Path: dir, Err: err}
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) {
		e.Kind, e.Err = remote.NotPermitted, nil
		e.Detail = "this process may not mount; run it as a user who can use fusermount3, or in a container with --cap-add SYS_ADMIN --device /dev/fuse"
		return e
	}
	// The words of fusermount3, which go on standard error, end with a line
	// break here.
	e.Err = errors.New(strings.TrimSpace(err.Error()))
	return e
}
