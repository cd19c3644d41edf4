package remote_test

import (
	"fmt"
	"io"
	"testing"

	"github.com/frugalfs/frugalfs/remote"
)

// TestBrokenConnectionIsNoEnd: what a reader got before a connection ended is not
// all there is.
func TestBrokenConnectionIsNoEnd(t *testing.T) {
	broken := remote.E(remote.Temporary, "download", "/f", io.EOF)
	for _, c := range []struct {
		err  error
		want bool
	}{
		{nil, false},
		{io.EOF, true},
		{fmt.Errorf("read: %w", io.EOF), true},
		{io.ErrUnexpectedEOF, false},
		{broken, false},
		{fmt.Errorf("cut short: %w", broken), false},
	} {
		if got := remote.AtEnd(c.err); got != c.want {
			t.Errorf("%v: %v, want %v", c.err, got, c.want)
		}
	}
}
