package sandbox

import (
	"context"
	"io"
)

// throttle waits until n bytes fit into the bandwidth.
func (s *Server) throttle(ctx context.Context, n int) error {
	for n > 0 {
		part := min(n, s.pipe.Burst())
		if err := s.pipe.WaitN(ctx, part); err != nil {
			return err
		}
		n -= part
	}
	return nil
}

// slowReader is a request's body within the bandwidth.
type slowReader struct {
	io.ReadCloser
	server *Server
	ctx    context.Context
}

// Read reads at most one burst.
func (r *slowReader) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p[:min(len(p), r.server.pipe.Burst())])
	if werr := r.server.throttle(r.ctx, n); werr != nil {
		return n, werr
	}
	return n, err
}
