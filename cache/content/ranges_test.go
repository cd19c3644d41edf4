package content

import (
	"bytes"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/frugalfs/frugalfs/remote/remotetest/seed"
)

func TestRangesAgainstAModel(t *testing.T) {
	r := rand.New(rand.NewPCG(seed.Of(t), 1))
	const size = 300
	for range 30 {
		var set Ranges
		var model [size]bool
		for range 30 {
			a := r.Int64N(size)
			b := min(size, a+r.Int64N(40))
			set.Add(Range{a, b})
			for i := a; i < b; i++ {
				model[i] = true
			}
			checkRanges(t, &set, model[:])
		}
	}
}

func checkRanges(t *testing.T, set *Ranges, model []bool) {
	t.Helper()
	var count int64
	for i := range model {
		run := int64(0)
		for j := i; j < len(model) && model[j]; j++ {
			run++
		}
		if got := set.Run(int64(i)); got != run {
			t.Fatalf("run at %d is %d, want %d", i, got, run)
		}
		count += min(run, 1)
		gap := set.Gap(int64(i), int64(len(model)))
		lo, hi := i, i
		for lo > 0 && !model[lo-1] && !model[i] {
			lo--
		}
		for hi < len(model) && !model[hi] {
			hi++
		}
		if gap != (Range{int64(lo), int64(hi)}) {
			t.Fatalf("gap at %d is %v, want %d to %d", i, gap, lo, hi)
		}
	}
	if set.Bytes() != count {
		t.Fatalf("%d bytes, want %d", set.Bytes(), count)
	}
	back, err := DecodeRanges(set.Encode())
	if err != nil || !bytes.Equal(back.Encode(), set.Encode()) {
		t.Fatalf("decoded differently: %v", err)
	}
}

func TestRangesIgnoreNonsense(t *testing.T) {
	var set Ranges
	set.Add(Range{5, 5})
	set.Add(Range{9, 3})
	set.Add(Range{-3, 3})
	if len(set.All()) != 0 || !set.Has(Range{4, 4}) || set.Has(Range{0, 1}) {
		t.Errorf("%v", set.All())
	}
	var other Ranges
	other.Add(Range{1, math.MaxInt64})
	set.Merge(other)
	if got := set.Gap(0, 10); got != (Range{0, 1}) {
		t.Errorf("gap %v", got)
	}
}

func FuzzDecodeRanges(f *testing.F) {
	var set Ranges
	set.Add(Range{0, 10})
	set.Add(Range{100, 1 << 40})
	f.Add(set.Encode())
	f.Add([]byte{})
	f.Add([]byte{255, 255, 255, 255, 255, 255, 255, 255, 255, 1, 1})
	f.Add([]byte{0, 1, 0, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		set, err := DecodeRanges(b)
		if err != nil {
			return
		}
		last := int64(-1)
		for _, r := range set.All() {
			if r.Start <= last || r.End <= r.Start {
				t.Fatalf("decoded nonsense: %v", set.All())
			}
			last = r.End
		}
		again, err := DecodeRanges(set.Encode())
		if err != nil || !bytes.Equal(again.Encode(), set.Encode()) {
			t.Fatalf("decoded differently: %v", err)
		}
	})
}

func FuzzPlan(f *testing.F) {
	f.Add(int64(64*mib), int64(0), int64(64*mib), int64(30*mib), int64(128<<10), int64(0), false, false)
	f.Add(int64(64*mib), int64(5*mib), int64(7*mib), int64(6*mib), int64(128<<10), int64(9*mib), false, true)
	f.Fuzz(func(t *testing.T, size, start, end, at, n, run int64, whole, noRanges bool) {
		a := ask{
			size: size, gap: Range{start, end}, at: at, end: at + n, run: run, whole: whole, noRanges: noRanges,
		}
		if size > 1<<50 || start < 0 || start > at || at >= end || end > size || n <= 0 || n > mib || a.end > size || run < 0 || run > size {
			return
		}
		tune := defaults
		r := tune.plan(a)
		if r.Start > at || r.End <= at {
			t.Fatalf("%+v: %v does not bring what is missed", a, r)
		}
		if !noRanges && (r.Start < start || r.End > end) {
			t.Fatalf("%+v: %v goes beyond the gap", a, r)
		}
		if !noRanges && r.End < min(end, a.end) {
			t.Fatalf("%+v: %v does not bring all that is read", a, r)
		}
	})
}

func TestMemory(t *testing.T) {
	r := rand.New(rand.NewPCG(seed.Of(t), 2))
	data := pattern(10_000, 90)
	var m memory
	pos := int64(0)
	for range 2000 {
		if r.IntN(100) == 0 {
			pos = r.Int64N(9000)
		}
		n := min(1+r.Int64N(200), 10_000-pos)
		m.push(data[pos:pos+n], pos, 1000)
		pos = (pos + n) % 10_000
		off := r.Int64N(10_000)
		p := make([]byte, 50)
		k := m.read(p, off)
		if !bytes.Equal(p[:k], data[off:off+int64(k)]) || (k > 0) != m.has(off) || len(m.buf) > 2200 {
			t.Fatalf("%d bytes at %d, %d held", k, off, len(m.buf))
		}
	}
}
