package fs

import (
	"log/slog"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/frugalfs/frugalfs/remote"
)

// Flags are the mount options that users may choose. Always set are nosuid,
// nodev and default_permissions.
type Flags struct {
	// ReadOnly refuses every change. A mount of a read-only namespace has it.
	ReadOnly bool
	// NoExec refuses to run programs from the mount.
	NoExec bool
	// NoAtime spares updates of access times. They stay on this machine, so
	// nothing is saved at the provider.
	NoAtime bool
	// AllowOther lets other users in, as far as modes and owners do.
	AllowOther bool
}

// Options say how to mount.
type Options struct {
	Flags
	// Source is what mount and df show as the device; "frugalfs" if empty.
	Source string
	// Logger takes what goes wrong; slog.Default() if nil.
	Logger *slog.Logger
	// Debug logs every request and answer.
	Debug bool
}

// ParseFlags reads the comma-separated options that follow -o. Those that say
// what is so anyway are taken; one that is not known is an error of kind
// Invalid which names it.
func ParseFlags(options string) (Flags, error) {
	var f Flags
	words := strings.FieldsFunc(options, func(r rune) bool { return r == ',' })
	for _, word := range words {
		switch strings.TrimSpace(word) {
		case "ro":
			f.ReadOnly = true
		case "rw":
			f.ReadOnly = false
		case "noexec":
			f.NoExec = true
		case "exec":
			f.NoExec = false
		case "noatime":
			f.NoAtime = true
		case "allow_other":
			f.AllowOther = true
		case "nosuid", "nodev", "default_permissions", "":
		default:
			return Flags{}, &remote.Error{Kind: remote.Invalid, Op: "mount option", Path: word,
				Detail: "known are ro, rw, noexec, exec, noatime, allow_other, nosuid, nodev, default_permissions"}
		}
	}
	return f, nil
}

// bits returns the flags of mount(2).
func (f Flags) bits() uintptr {
	bits := uintptr(unix.MS_NOSUID | unix.MS_NODEV)
	for flag, set := range map[uintptr]bool{
		unix.MS_RDONLY: f.ReadOnly, unix.MS_NOEXEC: f.NoExec, unix.MS_NOATIME: f.NoAtime,
	} {
		if set {
			bits |= flag
		}
	}
	return bits
}

// words returns the same flags as fusermount3 wants them.
func (f Flags) words() []string {
	words := []string{"nosuid", "nodev"}
	if f.ReadOnly {
		words = append(words, "ro")
	}
	if f.NoExec {
		words = append(words, "noexec")
	}
	if f.NoAtime {
		words = append(words, "noatime")
	}
	return words
}
