// Package unzip reads a zip archive while it arrives, entry by entry, from its
// local headers: each is whole, and checked, as soon as its last byte came, and
// what came before a connection broke is not lost. The central directory at the
// end is not read. The layout is that of PKWARE's APPNOTE, sections 4.3.7 (local
// header), 4.3.9 (data descriptor) and 4.5.3 (lengths of 64 bits).
package unzip

import (
	"bufio"
	"compress/flate"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"

	"github.com/frugalfs/frugalfs/remote"
)

const (
	localSignature      = 0x04034b50
	descriptorSignature = 0x08074b50
	localHeader         = 30
	// hasDescriptor and encrypted are bits of an entry's flags.
	encrypted     = 1 << 0
	hasDescriptor = 1 << 3
	stored        = 0
	deflated      = 8
	zip64Extra    = 1
	// uint32Max in a length says that the real one is in the extra field.
	uint32Max = 1<<32 - 1
)

// ErrEntry is the cause if an entry is not what it should be (its checksum, its
// length) while the archive can be read on.
var ErrEntry = errors.New("the entry is damaged, or not the one that was expected")

// Entry is a file in the archive.
type Entry struct {
	// Name is as it stands in the archive: it may be anything.
	Name string

	flags, method     uint16
	crc               uint32
	packed, unpacked  int64
	consumed, written int64
	sum               uint32
}

// Reader reads an archive. One goroutine uses it.
type Reader struct {
	in  *bufio.Reader
	cur *Entry // not read to its end yet
}

// New returns a reader of the archive that in brings.
func New(in io.Reader) *Reader { return &Reader{in: bufio.NewReaderSize(in, 64<<10)} }

func corrupt(err error) error {
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	var known *remote.Error
	if errors.As(err, &known) {
		return err
	}
	return remote.E(remote.Corrupt, "read archive", "", err)
}

// Next goes to the next entry, over what is left of the one before. It returns
// io.EOF when there is none, and an error of kind Corrupt or Unsupported if the
// archive cannot be read on.
func (r *Reader) Next() (*Entry, error) {
	if r.cur != nil {
		if err := r.content(io.Discard, r.cur.unpacked); err != nil && !errors.Is(err, ErrEntry) {
			return nil, err
		}
	}
	var h [localHeader]byte
	if _, err := io.ReadFull(r.in, h[:4]); err != nil {
		return nil, corrupt(err)
	}
	if binary.LittleEndian.Uint32(h[:]) != localSignature {
		return nil, io.EOF // the central directory, or what is in front of it
	}
	if _, err := io.ReadFull(r.in, h[4:]); err != nil {
		return nil, corrupt(err)
	}
	e, err := r.header(h[:])
	if err != nil {
		return nil, err
	}
	r.cur = e
	return e, nil
}

// header reads a local header, whose part of fixed length is h.
func (r *Reader) header(h []byte) (*Entry, error) {
	le := binary.LittleEndian
	e := &Entry{
		flags: le.Uint16(h[6:]), method: le.Uint16(h[8:]), crc: le.Uint32(h[14:]),
		packed: int64(le.Uint32(h[18:])), unpacked: int64(le.Uint32(h[22:])),
	}
	rest := make([]byte, int(le.Uint16(h[26:]))+int(le.Uint16(h[28:])))
	if _, err := io.ReadFull(r.in, rest); err != nil {
		return nil, corrupt(err)
	}
	name := int(le.Uint16(h[26:]))
	e.Name = string(rest[:name])
	if e.flags&encrypted != 0 || e.method != stored && e.method != deflated {
		return nil, remote.E(remote.Unsupported, "read archive", "", errors.New("an entry is encrypted, or packed in an unknown way"))
	}
	if e.flags&hasDescriptor != 0 {
		e.packed, e.unpacked = -1, -1
		return e, nil
	}
	return e, e.long(rest[name:])
}

// long takes lengths of 64 bits from the extra field.
func (e *Entry) long(extra []byte) error {
	le := binary.LittleEndian
	for len(extra) >= 4 {
		id, n := le.Uint16(extra), int(le.Uint16(extra[2:]))
		if extra = extra[4:]; n > len(extra) {
			break
		}
		field := extra[:n]
		extra = extra[n:]
		if id != zip64Extra {
			continue
		}
		for _, to := range []*int64{&e.unpacked, &e.packed} {
			if *to == uint32Max && len(field) >= 8 {
				*to, field = int64(le.Uint64(field)), field[8:]
			}
		}
	}
	if e.packed < 0 || e.unpacked < 0 {
		return corrupt(errors.New("impossible length"))
	}
	return nil
}

// Content reads the entry that Next returned, which must have size bytes. An
// error with the cause ErrEntry is about this entry only.
func (r *Reader) Content(size int64) ([]byte, error) {
	b := &bounded{max: size}
	if err := r.content(b, size); err != nil {
		return nil, err
	}
	if b.over || int64(len(b.data)) != size {
		return nil, corrupt(ErrEntry)
	}
	return b.data, nil
}

// bounded keeps up to max bytes.
type bounded struct {
	data []byte
	max  int64
	over bool
}

// Write implements io.Writer.
func (b *bounded) Write(p []byte) (int, error) {
	room := b.max - int64(len(b.data))
	if int64(len(p)) > room {
		b.over = true
		b.data = append(b.data, p[:room]...)
	} else {
		b.data = append(b.data, p...)
	}
	return len(p), nil
}

// counter counts what is read of an entry.
type counter struct {
	in *bufio.Reader
	n  int64
}

// Read implements io.Reader, and ReadByte keeps flate from reading ahead.
func (c *counter) Read(p []byte) (int, error) {
	n, err := c.in.Read(p)
	c.n += int64(n)
	return n, err
}

// ReadByte implements io.ByteReader.
func (c *counter) ReadByte() (byte, error) {
	b, err := c.in.ReadByte()
	if err == nil {
		c.n++
	}
	return b, err
}

// content unpacks the current entry, and checks it. expected is its length, for
// an entry that does not tell.
func (r *Reader) content(to io.Writer, expected int64) error {
	e := r.cur
	if e == nil {
		return corrupt(ErrEntry)
	}
	sum := crc32.NewIEEE()
	c := &counter{in: r.in}
	n, err := e.unpack(io.MultiWriter(to, sum), c, expected)
	if err != nil {
		return corrupt(err)
	}
	r.cur = nil
	e.written, e.consumed, e.sum = n, c.n, sum.Sum32()
	if e.flags&hasDescriptor != 0 {
		return r.descriptor(e)
	}
	if e.packed != e.consumed {
		return corrupt(errors.New("an entry has another length than it says"))
	}
	if e.sum != e.crc || e.unpacked != e.written {
		return corrupt(ErrEntry)
	}
	return nil
}

// unpack copies the content.
func (e *Entry) unpack(to io.Writer, in *counter, expected int64) (int64, error) {
	if e.method == deflated {
		f := flate.NewReader(in)
		defer func() { _ = f.Close() }() // it holds nothing
		return io.Copy(to, f)
	}
	n := e.packed
	if n < 0 {
		n = expected
	}
	if n < 0 {
		return 0, remote.E(remote.Unsupported, "read archive", "", errors.New("nothing tells where an entry ends"))
	}
	return io.CopyN(to, in, n)
}

// descriptor reads what follows an entry whose header could not tell its
// lengths. It has four forms, and nothing says which one it is: with a signature
// or without, with lengths of 32 or 64 bits.
func (r *Reader) descriptor(e *Entry) error {
	ahead, err := r.in.Peek(24 + 2)
	if len(ahead) < 12 {
		return corrupt(errors.Join(err, io.ErrUnexpectedEOF))
	}
	best := 0
	for _, form := range []struct{ skip, width int }{{4, 4}, {4, 8}, {0, 4}, {0, 8}} {
		n := form.skip + 4 + 2*form.width
		if len(ahead) < n || !e.described(ahead, form.skip, form.width) {
			continue
		}
		if len(ahead) >= n+2 && string(ahead[n:n+2]) == "PK" {
			best = n
			break
		}
		if best == 0 {
			best = n
		}
	}
	if best == 0 {
		return r.damaged(e, ahead)
	}
	_, err = r.in.Discard(best)
	return err
}

// described tells whether ahead is a descriptor of some form, and right.
func (e *Entry) described(ahead []byte, skip, width int) bool {
	le := binary.LittleEndian
	if skip > 0 && le.Uint32(ahead) != descriptorSignature {
		return false
	}
	if le.Uint32(ahead[skip:]) != e.sum {
		return false
	}
	a, b := ahead[skip+4:], ahead[skip+4+width:]
	if width == 4 {
		return le.Uint32(a) == uint32(e.consumed) && le.Uint32(b) == uint32(e.written)
	}
	return le.Uint64(a) == uint64(e.consumed) && le.Uint64(b) == uint64(e.written)
}

// damaged looks whether all but the checksum fits: then the archive can be read
// on behind the entry.
func (r *Reader) damaged(e *Entry, ahead []byte) error {
	le := binary.LittleEndian
	if len(ahead) >= 16 && le.Uint32(ahead) == descriptorSignature {
		e.sum = le.Uint32(ahead[4:])
		for _, width := range []int{4, 8} {
			if n := 8 + 2*width; len(ahead) >= n && e.described(ahead, 4, width) {
				if _, err := r.in.Discard(n); err != nil {
					return corrupt(err)
				}
				return corrupt(ErrEntry)
			}
		}
	}
	return corrupt(errors.New("what follows an entry does not describe it"))
}
