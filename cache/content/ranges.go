package content

import (
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"sort"
)

// Range is the bytes from Start up to, but without, End.
type Range struct{ Start, End int64 }

// Len returns the number of bytes in r.
func (r Range) Len() int64 { return r.End - r.Start }

// Ranges is a set of byte offsets, kept as sorted ranges that neither overlap
// nor touch. The zero value is empty. It may not be used from two goroutines
// at once.
type Ranges struct{ list []Range }

// at returns the index of the first range that ends after off.
func (s *Ranges) at(off int64) int {
	return sort.Search(len(s.list), func(i int) bool { return s.list[i].End > off })
}

// Add puts the bytes of r into the set.
func (s *Ranges) Add(r Range) {
	if r.Start < 0 || r.End <= r.Start {
		return
	}
	i := sort.Search(len(s.list), func(i int) bool { return s.list[i].End >= r.Start })
	j := i
	for j < len(s.list) && s.list[j].Start <= r.End {
		r.Start, r.End = min(r.Start, s.list[j].Start), max(r.End, s.list[j].End)
		j++
	}
	s.list = slices.Replace(s.list, i, j, r)
}

// Merge puts the bytes of another set into this one.
func (s *Ranges) Merge(o Ranges) {
	for _, r := range o.list {
		s.Add(r)
	}
}

// Run returns how many bytes from off on are in the set without a gap.
func (s *Ranges) Run(off int64) int64 {
	i := s.at(off)
	if i == len(s.list) || s.list[i].Start > off {
		return 0
	}
	return s.list[i].End - off
}

// Has tells whether every byte of r is in the set.
func (s *Ranges) Has(r Range) bool { return r.Len() <= 0 || s.Run(r.Start) >= r.Len() }

// Gap returns the longest range around off, within the first size bytes, that
// holds nothing of the set; it is empty if off is in the set or outside.
func (s *Ranges) Gap(off, size int64) Range {
	if off < 0 || off >= size || s.Run(off) > 0 {
		return Range{off, off}
	}
	i, gap := s.at(off), Range{0, size}
	if i > 0 {
		gap.Start = s.list[i-1].End
	}
	if i < len(s.list) {
		gap.End = min(size, s.list[i].Start)
	}
	return gap
}

// Bytes returns how many bytes are in the set.
func (s *Ranges) Bytes() int64 {
	var n int64
	for _, r := range s.list {
		n += r.Len()
	}
	return n
}

// All returns the ranges in order.
func (s *Ranges) All() []Range { return slices.Clone(s.list) }

// Encode returns the set as bytes: for each range the distance from the end
// of the one before, then its length, as unsigned varints.
func (s *Ranges) Encode() []byte {
	b := make([]byte, 0, 4*len(s.list)+4)
	var last int64
	for _, r := range s.list {
		b = binary.AppendUvarint(b, uint64(r.Start-last))
		b = binary.AppendUvarint(b, uint64(r.Len()))
		last = r.End
	}
	return b
}

var errRanges = errors.New("stored ranges make no sense")

// DecodeRanges reads what Encode wrote. It returns an error for anything that
// Encode cannot have written.
func DecodeRanges(b []byte) (Ranges, error) {
	var s Ranges
	var last int64
	for len(b) > 0 {
		gap, n := binary.Uvarint(b)
		if n <= 0 || gap == 0 && len(s.list) > 0 || gap > uint64(math.MaxInt64-last) {
			return Ranges{}, errRanges
		}
		start := last + int64(gap)
		length, m := binary.Uvarint(b[n:])
		if m <= 0 || length == 0 || length > uint64(math.MaxInt64-start) {
			return Ranges{}, errRanges
		}
		b, last = b[n+m:], start+int64(length)
		s.list = append(s.list, Range{start, last})
	}
	return s, nil
}
