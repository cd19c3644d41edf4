package ledger

import (
	"context"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

const (
	// dialTimeout bounds one attempt to reach a host: somebody waits.
	dialTimeout = 15 * time.Second
	// idleConn is how long an unused connection is kept. Most servers close
	// theirs after a minute or more; a connection that they close while a
	// request is on its way leaves its outcome unknown.
	idleConn = 50 * time.Second
)

// newTransport makes the transport that is used when Options.Base is nil.
//
// It speaks HTTP/1.1 only. There, one connection carries one request at a
// time: a stalled download holds up nothing else, and the bytes written to a
// connection tell whether a request left. What HTTP/2 would save, handshakes,
// is saved by keeping connections.
func newTransport(o *Options) *http.Transport {
	rate := newPacer(o.Now, 0, Window{N: o.NewConnsPerSecond, Per: time.Second})
	t := &http.Transport{
		Proxy: http.ProxyFromEnvironment,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			if err := rate.wait(ctx, Interactive); err != nil {
				return nil, err
			}
			c, err := o.Dial(ctx, network, address)
			if err != nil {
				return nil, err
			}
			return &meteredConn{Conn: c}, nil
		},
		TLSHandshakeTimeout: dialTimeout,
		MaxConnsPerHost:     o.MaxConns,
		MaxIdleConnsPerHost: o.MaxConns,
		IdleConnTimeout:     idleConn,
		WriteBufferSize:     64 << 10,
		ReadBufferSize:      64 << 10,
		Protocols:           &http.Protocols{},
	}
	t.Protocols.SetHTTP1(true)
	return t
}

// meteredConn counts what is written to a connection.
type meteredConn struct {
	net.Conn
	written atomic.Int64
}

func (c *meteredConn) Write(p []byte) (int, error) {
	// Counted before it leaves: the answer may be here before Write returns.
	c.written.Add(int64(len(p)))
	n, err := c.Conn.Write(p)
	c.written.Add(int64(n - len(p)))
	return n, err
}

// meterOf finds the counter below a TLS connection; nil if there is none.
func meterOf(c net.Conn) *meteredConn {
	for c != nil {
		if m, ok := c.(*meteredConn); ok {
			return m
		}
		inner, ok := c.(interface{ NetConn() net.Conn })
		if !ok {
			return nil
		}
		c = inner.NetConn()
	}
	return nil
}
