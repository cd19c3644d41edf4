package fs

import (
	"syscall"
	"testing"
)

func TestWhatIsClosedWithoutAFlush(t *testing.T) {
	for _, c := range []struct {
		name   string
		flags  uint32
		awaits bool
		want   bool
	}{
		{"a reader", syscall.O_RDONLY, false, true},
		{"a writer", syscall.O_WRONLY | syscall.O_TRUNC, false, true},
		{"a writer that awaits the provider", syscall.O_WRONLY, true, false},
		{"one that may be mapped for writing", syscall.O_RDWR, false, false},
		{"one that awaits the provider, too", syscall.O_RDWR, true, false},
	} {
		if got := unflushed(c.flags, c.awaits); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}
