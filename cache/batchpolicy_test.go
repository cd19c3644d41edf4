package cache

import (
	"slices"
	"testing"
	"time"
)

// TestWhatIsReadNext reads files of folders 10, 11 and 12 in folder 2, which is
// with folder 3 in the root, 1.
func TestWhatIsReadNext(t *testing.T) {
	second := int64(time.Second)
	leaf := func(n uint64) []uint64 { return []uint64{n, 2, 1} }
	for name, c := range map[string]struct {
		reads [][]uint64
		pause int64
		want  []occasion
	}{
		"one file of each":     {[][]uint64{leaf(10), leaf(11), leaf(12)}, second, []occasion{{}, {}, {}}},
		"two of one":           {[][]uint64{leaf(10), leaf(10)}, second, []occasion{{}, {10, false}}},
		"two, slowly":          {[][]uint64{leaf(10), leaf(10)}, 20 * second, []occasion{{}, {}}},
		"then one next to it":  {[][]uint64{leaf(10), leaf(10), leaf(11)}, second, []occasion{{}, {10, false}, {2, true}}},
		"what did not come":    {[][]uint64{leaf(10), leaf(10), leaf(10)}, second, []occasion{{}, {10, false}, {10, false}}},
		"then one farther off": {[][]uint64{leaf(10), leaf(10), {3, 1}}, second, []occasion{{}, {10, false}, {}}},
		"wider and wider": {[][]uint64{leaf(10), leaf(10), leaf(11), {3, 1}, {3, 1}}, second,
			[]occasion{{}, {10, false}, {2, true}, {1, true}, {1, true}}},
		"by turns": {[][]uint64{leaf(10), {3, 1}, leaf(10), {3, 1}}, second, []occasion{{}, {}, {10, false}, {3, false}}},
	} {
		r := &reader{}
		var got []occasion
		for i, above := range c.reads {
			o, ok := r.next(above, int64(i+1)*c.pause)
			if !ok {
				o = occasion{}
			}
			got = append(got, o)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, not %v", name, got, c.want)
		}
	}
}
