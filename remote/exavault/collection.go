package exavault

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"github.com/frugalfs/frugalfs/remote/clientkit"
)

// collection is what surrounds the elements of a page (the reference, schema
// ResourceCollectionResponse). returnedResults is not read: the elements
// themselves are counted.
type collection struct {
	total  clientkit.Number // totalResults
	status clientkit.Number // responseStatus
	errors wireErrors
	found  bool // whether there was any data
}

// collect reads a page from an answer and hands each of its elements to
// element, which decodes exactly one value. An error of element ends the
// reading and is returned as it is.
func (k call) collect(resp *http.Response, element func(*json.Decoder) error) (collection, error) {
	g := &guard{r: resp.Body}
	p := &pageParser{dec: json.NewDecoder(g), element: element}
	err := p.object()
	switch {
	case g.err != nil:
		return p.page, k.broken(resp, g.err)
	case p.failed != nil:
		return p.page, p.failed
	case err != nil:
		return p.page, k.corrupt(resp.StatusCode, "the answer is no JSON object ("+resp.Header.Get("Content-Type")+")", eofIsShort(err))
	case p.page.status.N >= 400:
		return p.page, k.corrupt(resp.StatusCode, "the answer contradicts its status: "+p.page.errors.detail(), nil)
	case !p.page.found:
		return p.page, k.corrupt(resp.StatusCode, "the answer has no data", nil)
	}
	return p.page, nil
}

// pageParser reads a page without holding more than one element of it.
type pageParser struct {
	dec     *json.Decoder
	element func(*json.Decoder) error
	page    collection
	failed  error // what element returned
}

func (p *pageParser) object() error {
	if err := p.expect('{'); err != nil {
		return err
	}
	for p.dec.More() {
		key, err := p.dec.Token()
		if err != nil {
			return err
		}
		if err := p.field(key); err != nil {
			return err
		}
	}
	return p.expect('}')
}

func (p *pageParser) expect(d json.Delim) error {
	t, err := p.dec.Token()
	if err != nil {
		return err
	}
	if t != d {
		return errShape
	}
	return nil
}

func (p *pageParser) field(key json.Token) error {
	switch key {
	case "data":
		return p.data()
	case "totalResults":
		return clientkit.Lenient(p.dec.Decode(&p.page.total))
	case "responseStatus":
		return clientkit.Lenient(p.dec.Decode(&p.page.status))
	case "errors":
		return p.problems()
	}
	return p.skip()
}

// data reads the elements. PHP writes an empty list of them as null or {} at
// times; neither shows that there are none.
func (p *pageParser) data() (err error) {
	p.page.found, err = p.array(func() error {
		p.failed = p.element(p.dec)
		return p.failed
	})
	return err
}

// problems reads what the answer says is wrong, and keeps the first.
func (p *pageParser) problems() error {
	_, err := p.array(func() error {
		var e wireError
		err := clientkit.Lenient(p.dec.Decode(&e))
		if len(p.page.errors) == 0 {
			p.page.errors = wireErrors{e}
		}
		return err
	})
	return err
}

// array calls element for each element of an array, and reads over any other
// value.
func (p *pageParser) array(element func() error) (is bool, err error) {
	t, err := p.dec.Token()
	if err != nil {
		return false, err
	}
	if t != json.Delim('[') {
		return false, p.skipAfter(t)
	}
	for p.dec.More() {
		if err := element(); err != nil {
			return true, err
		}
	}
	return true, p.expect(']')
}

// skip reads over one value, token by token.
func (p *pageParser) skip() error {
	t, err := p.dec.Token()
	if err != nil {
		return err
	}
	return p.skipAfter(t)
}

// skipAfter reads over the rest of the value that began with t.
func (p *pageParser) skipAfter(t json.Token) error {
	depth := delta(t)
	for depth > 0 {
		t, err := p.dec.Token()
		if err != nil {
			return err
		}
		depth += delta(t)
	}
	return nil
}

func delta(t json.Token) int {
	switch t {
	case json.Delim('{'), json.Delim('['):
		return 1
	case json.Delim('}'), json.Delim(']'):
		return -1
	}
	return 0
}

// shapeError says that JSON is not what the reference describes.
type shapeError struct{}

func (shapeError) Error() string { return "not the documented shape" }

var errShape error = shapeError{}

// eofIsShort makes an end of JSON in its middle an error like any other.
func eofIsShort(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
