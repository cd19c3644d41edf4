package fs

import (
	"sync"
	"sync/atomic"
)

// shards is the number of locks that a table spreads its handles over.
const shards = 16

// table maps handle numbers, which the kernel gives back to us, to what is
// open. A number is never used twice, so a stray request cannot reach another
// file.
type table[T any] struct {
	last  atomic.Uint64
	parts [shards]struct {
		mu sync.RWMutex
		// open is guarded by mu.
		open map[uint64]T
	}
}

func newTable[T any]() *table[T] {
	t := &table[T]{}
	for i := range t.parts {
		t.parts[i].open = map[uint64]T{}
	}
	return t
}

// add gives v a number, which is never 0.
func (t *table[T]) add(v T) uint64 {
	fh := t.last.Add(1)
	p := &t.parts[fh%shards]
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open[fh] = v
	return fh
}

// get returns what has the number fh.
func (t *table[T]) get(fh uint64) (T, bool) {
	p := &t.parts[fh%shards]
	p.mu.RLock()
	defer p.mu.RUnlock()
	v, ok := p.open[fh]
	return v, ok
}

// remove is get, and forgets the number.
func (t *table[T]) remove(fh uint64) (T, bool) {
	p := &t.parts[fh%shards]
	p.mu.Lock()
	defer p.mu.Unlock()
	v, ok := p.open[fh]
	delete(p.open, fh)
	return v, ok
}

// drain empties the table and returns what was in it.
func (t *table[T]) drain() (all []T) {
	for i := range t.parts {
		p := &t.parts[i]
		p.mu.Lock()
		for _, v := range p.open {
			all = append(all, v)
		}
		clear(p.open)
		p.mu.Unlock()
	}
	return all
}
