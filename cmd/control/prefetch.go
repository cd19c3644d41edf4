package control

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"

	"github.com/frugalfs/frugalfs/cache"
	"github.com/frugalfs/frugalfs/remote"
)

// prefetchLine is one line of the answer to a prefetch: progress, or the end.
type prefetchLine struct {
	Progress *cache.PrefetchProgress `json:"progress,omitempty"`
	End      bool                    `json:"end,omitempty"`
	Missing  []cache.Missing         `json:"missing,omitempty"`
	Fault    *fault                  `json:"fault,omitempty"`
}

// prefetch answers line by line. It ends when the client goes away.
func prefetch(w http.ResponseWriter, r *http.Request, m Mount) {
	w.Header().Set("Content-Type", "application/jsonl")
	out, flush := json.NewEncoder(w), http.NewResponseController(w)
	say := func(l prefetchLine) {
		if out.Encode(l) == nil {
			_ = flush.Flush() // the client went away: the request's context ends
		}
	}
	missing, err := m.Prefetch(r.Context(), r.URL.Query().Get("path"), func(p cache.PrefetchProgress) {
		say(prefetchLine{Progress: &p})
	})
	last := prefetchLine{End: true, Missing: missing}
	if err != nil {
		f := faultOf(err)
		last.Fault = &f
	}
	say(last)
}

// Prefetch has the mount fetch the content of everything at a path of the mount
// and below it, and returns what is missing in the end. It tells of progress as it
// comes. The mount stops when ctx ends.
func (c *Client) Prefetch(ctx context.Context, path string, tell func(cache.PrefetchProgress)) ([]cache.Missing, error) {
	resp, err := c.send(ctx, http.MethodPost, "/prefetch", url.Values{"path": {path}})
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	for lines := json.NewDecoder(resp.Body); ; {
		var l prefetchLine
		if err := lines.Decode(&l); err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return nil, c.failed(err)
		}
		switch {
		case l.Progress != nil:
			tell(*l.Progress)
		case l.End && l.Fault != nil:
			return nil, l.Fault.err()
		case l.End:
			return l.Missing, nil
		}
	}
}

// send sends a request, and returns its answer if that is a success; the caller
// closes it.
func (c *Client) send(ctx context.Context, method, path string, query url.Values) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://frugalfs"+path+"?"+query.Encode(), http.NoBody)
	if err != nil {
		return nil, remote.E(remote.Invalid, "ask the mount", path, err)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, c.failed(err)
	}
	if resp.StatusCode == http.StatusOK {
		return resp, nil
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode == http.StatusInternalServerError {
		var f fault
		if err := json.NewDecoder(resp.Body).Decode(&f); err != nil {
			return nil, c.failed(err)
		}
		return nil, f.err()
	}
	return nil, &remote.Error{Kind: remote.Unsupported, Op: "ask the mount", Path: path, Status: resp.StatusCode,
		Detail: "the mount runs another version of frugalfs; unmount it and mount again"}
}
