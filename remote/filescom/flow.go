package filescom

import (
	"errors"
	"net/http"
	"sync/atomic"

	"github.com/frugalfs/frugalfs/remote"
)

// flow is which of the two ways of the API a server speaks. It is safe for use
// by many goroutines: the worst that a race brings is a request more.
type flow struct{ known atomic.Int32 }

const (
	flowUnknown int32 = iota
	flowToday
	flow2020
)

// today notes that the server speaks today's way. It never goes back.
func (f *flow) today() { f.known.Store(flowToday) }

// either makes a call in the way that the server speaks. As long as that is not
// known, a bare refusal of today's way leads to that of 2020.
func (f *flow) either(today, then func() error) error {
	switch f.known.Load() {
	case flowToday:
		return today()
	case flow2020:
		return then()
	}
	err := today()
	switch {
	case err == nil:
		f.today()
		return nil
	case f.known.Load() == flowToday || !routeMissing(err):
		return err
	}
	err = then()
	if err == nil {
		f.known.CompareAndSwap(flowUnknown, flow2020)
	}
	return err
}

// routeMissing tells whether an error may mean that the server does not know
// the operation. Today's service names a class with every error (the SDK).
func routeMissing(err error) bool {
	e, ok := errors.AsType[*remote.Error](err)
	if !ok || classOf(err) != "" {
		return false
	}
	switch e.Status {
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotImplemented:
		return true
	}
	return false
}
