package unzip

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/frugalfs/frugalfs/remote"
)

// pack makes an archive of texts by the names "0", "1" and so on.
func pack(t testing.TB, method uint16, raw bool, texts ...string) []byte {
	t.Helper()
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for i, text := range texts {
		h := &zip.FileHeader{Name: string(rune('0' + i)), Method: method}
		var w io.Writer
		var err error
		if raw { // lengths in the header
			h.CRC32, h.UncompressedSize64, h.CompressedSize64 = crc(text), uint64(len(text)), uint64(len(text))
			h.Method = zip.Store
			w, err = z.CreateRaw(h)
		} else {
			w, err = z.CreateHeader(h)
		}
		if err == nil {
			_, err = io.WriteString(w, text)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestEntriesComeOneByOne(t *testing.T) {
	texts := []string{"", "one", strings.Repeat("many ", 100_000), "last"}
	for _, kind := range []struct {
		method uint16
		raw    bool
	}{{zip.Deflate, false}, {zip.Store, false}, {zip.Store, true}} {
		r := New(bytes.NewReader(pack(t, kind.method, kind.raw, texts...)))
		for i, want := range texts {
			e, err := r.Next()
			if err != nil || e.Name != string(rune('0'+i)) {
				t.Fatalf("entry %d: %v (%v)", i, e, err)
			}
			got, err := r.Content(int64(len(want)))
			if err != nil || string(got) != want {
				t.Errorf("entry %d has %d bytes (%v)", i, len(got), err)
			}
		}
		if _, err := r.Next(); !errors.Is(err, io.EOF) {
			t.Errorf("after the last: %v", err)
		}
	}
}

func TestEntriesAreSkipped(t *testing.T) {
	r := New(bytes.NewReader(pack(t, zip.Deflate, false, "a", "b", "c")))
	for range 3 {
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := r.Content(1); err != nil || string(got) != "c" {
		t.Errorf("%q (%v)", got, err)
	}
}

func TestAnEntryOfAnotherLengthIsRefusedAlone(t *testing.T) {
	for _, size := range []int64{1, 10} {
		r := New(bytes.NewReader(pack(t, zip.Deflate, false, "abc", "def")))
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Content(size); !errors.Is(err, ErrEntry) || !remote.IsKind(err, remote.Corrupt) {
			t.Errorf("size %d: %v", size, err)
		}
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
		if got, err := r.Content(3); err != nil || string(got) != "def" {
			t.Errorf("%q (%v)", got, err)
		}
	}
}

// TestNoFlippedBitPasses flips each bit of the content of an archive: what is
// read is right, or refused.
func TestNoFlippedBitPasses(t *testing.T) {
	whole := pack(t, zip.Deflate, false, "the first text", "the second text")
	for i := range len(whole) * 8 {
		b := bytes.Clone(whole)
		b[i/8] ^= 1 << (i % 8)
		r := New(bytes.NewReader(b))
		for range 3 {
			if _, err := r.Next(); err != nil {
				break
			}
			got, err := r.Content(14)
			if err == nil && string(got) != "the first text" {
				t.Fatalf("bit %d: %q", i, got)
			}
		}
	}
}

func TestACutArchiveKeepsWhatWasWhole(t *testing.T) {
	whole := pack(t, zip.Deflate, false, "abc", "def")
	r := New(bytes.NewReader(whole[:len(whole)/2-20]))
	if _, err := r.Next(); err != nil {
		t.Fatal(err)
	}
	if got, err := r.Content(3); err != nil || string(got) != "abc" {
		t.Fatalf("%q (%v)", got, err)
	}
	_, err := r.Next()
	if err == nil {
		_, err = r.Content(3)
	}
	if !remote.IsKind(err, remote.Corrupt) || errors.Is(err, ErrEntry) {
		t.Errorf("got %v", err)
	}
}

func FuzzReader(f *testing.F) {
	f.Add(pack(f, zip.Deflate, false, "abc", "def"))
	f.Add(pack(f, zip.Store, true, "abc", ""))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := New(bytes.NewReader(b))
		for range 100 {
			if _, err := r.Next(); err != nil {
				return
			}
			if got, err := r.Content(3); err == nil && len(got) != 3 {
				t.Fatalf("%d bytes", len(got))
			}
		}
	})
}
