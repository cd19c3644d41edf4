package content

import (
	"io"
	"testing"
)

func BenchmarkReadComplete(b *testing.B) {
	s, _ := openStore(b, Options{}, defaults)
	data := pattern(64*mib, 100)
	must(b, s.Ensure(b.Context(), Key{1, "a", 64 * mib}, answer(data, -1, io.EOF)))
	f := mustRead(b, s, Key{1, "a", 64 * mib}, noFetch)
	defer mustClose(b, f)
	for _, size := range []int64{4 << 10, 128 << 10, mib} {
		b.Run(sizeName(size), func(b *testing.B) {
			b.SetBytes(size)
			b.RunParallel(func(pb *testing.PB) {
				p := make([]byte, size)
				for off := int64(0); pb.Next(); off = (off + size) % (64 * mib) {
					if _, err := f.ReadAt(b.Context(), p, off); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}

func BenchmarkReadFetching(b *testing.B) {
	s, _ := openStore(b, Options{Limit: 256 * mib}, defaults)
	data := pattern(64*mib, 101)
	p := make([]byte, mib/8)
	b.SetBytes(64 * mib)
	for i := 0; b.Loop(); i++ {
		f := mustRead(b, s, Key{uint64(i + 1), "a", 64 * mib}, answer(data, -1, io.EOF))
		for off := int64(0); off < 64*mib; off += mib / 8 {
			if _, err := f.ReadAt(b.Context(), p, off); err != nil {
				b.Fatal(err)
			}
		}
		mustClose(b, f)
	}
}

func BenchmarkWrite(b *testing.B) {
	s, _ := openStore(b, Options{}, defaults)
	for _, size := range []int64{4 << 10, 128 << 10, mib} {
		b.Run(sizeName(size), func(b *testing.B) {
			g := mustStage(b, s)
			defer mustClose(b, g)
			p := pattern(size, 102)
			b.SetBytes(size)
			for i := int64(0); b.Loop(); i++ {
				mustWrite(b, g, p, i*size%(256*mib))
			}
		})
	}
}

func BenchmarkStageWriteClose(b *testing.B) {
	s, _ := openStore(b, Options{}, defaults)
	p := pattern(4096, 103)
	for b.Loop() {
		g := mustStage(b, s)
		mustWrite(b, g, p, 0)
		mustClose(b, g)
	}
}
