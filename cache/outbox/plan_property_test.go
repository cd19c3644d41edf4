package outbox

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/frugalfs/frugalfs/remote/remotetest/seed"
)

// dice makes decisions, from bytes as long as there are any.
type dice struct {
	bytes []byte
	rng   *rand.Rand
}

func (d *dice) roll(n int) int {
	if len(d.bytes) > 0 {
		b := d.bytes[0]
		d.bytes = d.bytes[1:]
		return int(b) % n
	}
	return d.rng.IntN(n)
}

// odds is true once in n times.
func (d *dice) odds(n int) bool { return d.roll(n) == 0 }

func diceOf(seed uint64, bytes []byte) dice {
	return dice{bytes: bytes, rng: rand.New(rand.NewPCG(seed, 0))}
}

// calm is the number of rounds in which things are still changing.
const calm = 6

// play makes a random tree and random changes, and plans and executes until
// nothing differs. It returns what went wrong.
func play(d dice) error {
	w := newWorld(d)
	for range 4 + w.roll(40) {
		w.act()
	}
	w.publish()
	for range 1 + w.roll(30) {
		w.act()
	}
	for round := 0; w.unsent() > 0 && w.fault == nil; round++ {
		w.disturb(round)
		w.round(round)
		if round > 200 {
			w.failf("no end")
		}
	}
	w.compare()
	return w.fault
}

// disturb makes some nodes not ready, and changes things here and there, as
// long as it is not calm.
func (w *world) disturb(round int) {
	busy := round < calm
	for _, n := range w.all() {
		n.Ready = !busy || !w.odds(8)
	}
	if busy && w.odds(6) {
		w.act()
	}
	if busy && w.odds(4) {
		w.inject()
	}
}

// round makes a plan and executes some of it.
func (w *world) round(round int) {
	in := w.input()
	steps := Plan(in)
	w.check(in, steps)
	if len(steps) == 0 && round >= calm && w.unsent() > 0 {
		w.failf("nothing planned for %+v", in.Nodes)
	}
	if len(steps) > 0 {
		w.run(steps, 1+w.roll(2*len(steps)))
	}
}

// run executes up to n steps, in any order that their dependencies allow,
// until anything unforeseen happens.
func (w *world) run(steps []Step, n int) {
	w.merged = false
	done := make([]bool, len(steps))
	for range n {
		var open []int
		for i, s := range steps {
			if !done[i] && !slices.ContainsFunc(s.After, func(a int) bool { return !done[a] }) {
				open = append(open, i)
			}
		}
		if len(open) == 0 || w.merged || w.fault != nil {
			return
		}
		i := open[w.roll(len(open))]
		if done[i] = w.execute(steps[i]); !done[i] {
			return
		}
		w.spent += steps[i].Cost
	}
}

// compare checks that both trees are the same in the end.
func (w *world) compare() {
	for _, n := range w.all() {
		o := w.provider.objects[n.object]
		if o == nil || o.name != n.Local.Name || o.parent != w.objectOf(n.Local.Parent) || (!o.dir && o.content != n.content) {
			w.checkForeign(n, o)
		}
	}
	for id, ino := range w.owner {
		if id != 1 && w.nodes[ino] == nil {
			w.failf("object %d is left over", id)
		}
	}
}

// checkForeign allows a difference that somebody else made and nobody saw.
func (w *world) checkForeign(n *modelNode, o *modelObject) {
	if o == nil || w.known(o) != n.Remote {
		return
	}
	w.failf("node %d is %+v there and %+v here", n.Ino, o, n.Node)
}

// TestPlanRandomTrees plays until both sides agree. The first case that fails
// is run again alone with FRUGALFS_SEED set to its seed.
func TestPlanRandomTrees(t *testing.T) {
	seed := seed.Of(t)
	for i := range uint64(randomCases) {
		if err := play(diceOf(seed+i, nil)); err != nil {
			t.Fatalf("FRUGALFS_SEED=%d: %v", seed+i, err)
		}
	}
}

func FuzzPlan(f *testing.F) {
	f.Add([]byte("a first tree"))
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15})
	f.Fuzz(func(t *testing.T, bytes []byte) {
		if err := play(diceOf(1, bytes)); err != nil {
			t.Fatal(err)
		}
	})
}
