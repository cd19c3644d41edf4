package yetishare_test

import (
	"io"
	"testing"

	"go.uber.org/goleak"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/yetishare"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// read returns a file's content, or a range of it.
func read(t *testing.T, c *yetishare.Client, ref remote.Ref, offset, length int64) string {
	t.Helper()
	d, err := c.Download(ctx, ref, offset, length)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(d)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	b = b[min(int(offset-d.Offset), len(b)):]
	if length >= 0 {
		b = b[:min(int(length), len(b))]
	}
	return string(b)
}
