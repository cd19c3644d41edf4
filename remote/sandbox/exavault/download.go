package exavault

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/frugalfs/frugalfs/remote/sandbox/store"
)

// download answers GET /resources/download: one file as it is, several
// resources or a folder as a zip.
func (a *api) download(w http.ResponseWriter, r *http.Request) error {
	idents := identifiers(r)
	if len(idents) == 0 {
		return missing("resources[]")
	}
	nodes, err := a.resolveAll(idents)
	if err != nil {
		return err
	}
	if len(idents) == 1 && !nodes[0].Dir {
		return a.sendFile(w, r, nodes[0])
	}
	return a.sendZip(w, r, nodes)
}

// resolveAll finds all resources to download. A missing one among several is
// an error or left out, as the switch says.
func (a *api) resolveAll(idents []string) ([]store.Node, error) {
	partial := len(idents) > 1 && a.Switches.Is("download-missing", "partial")
	var nodes []store.Node
	for _, ident := range idents {
		n, err := a.resolve(ident)
		switch {
		case err == nil:
			nodes = append(nodes, n)
		case !partial || asAPIError(err) != errNotFound:
			return nil, err
		}
	}
	if len(nodes) == 0 {
		return nil, errNotFound
	}
	return nodes, nil
}

func (a *api) sendFile(w http.ResponseWriter, r *http.Request, n store.Node) error {
	f, n, err := a.Store.Open(n.ID)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // it was only read
	fi, err := f.Stat()
	if err != nil {
		return err
	}
	return a.send(w, r, f, fi.Size(), n, "application/octet-stream", n.Name)
}

// send sends a file, or the range of it that is asked for.
func (a *api) send(w http.ResponseWriter, r *http.Request, f io.ReaderAt, size int64, n store.Node, kind, name string) error {
	h := w.Header()
	status, from, length := http.StatusOK, int64(0), size
	if spec := r.Header.Get("Range"); spec != "" && a.Switches.Is("range", "on") {
		start, count, ok := parseRange(spec, size)
		if ok && count == 0 {
			h.Set("Content-Range", fmt.Sprintf("bytes */%d", size))
			return &apiError{http.StatusRequestedRangeNotSatisfiable, "ERROR_INVALID_PARAMETER", "The range is beyond the end of the file."}
		}
		if ok {
			status, from, length = http.StatusPartialContent, start, count
			h.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, from+length-1, size))
		}
	}
	if a.Switches.Is("range", "on") {
		h.Set("Accept-Ranges", "bytes")
	}
	h.Set("Content-Type", kind)
	h.Set("Content-Length", strconv.FormatInt(length, 10))
	h.Set("Content-Disposition", "attachment; filename*=UTF-8''"+url.PathEscape(name))
	a.note(r, store.Entry{Op: store.OpDownload, Path: n.Path, Bytes: length, Node: n})
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = io.Copy(w, io.NewSectionReader(f, from, length)) // too short: net/http ends the connection
	}
	return nil
}

// parseRange reads a Range header with one range. ok is false if it is to be
// ignored; length 0 means that it lies beyond the end.
func parseRange(spec string, size int64) (start, length int64, ok bool) {
	spec, ok = strings.CutPrefix(spec, "bytes=")
	first, last, dash := strings.Cut(spec, "-")
	if !ok || !dash {
		return 0, 0, false
	}
	end := size - 1
	if first == "" {
		n, err := strconv.ParseInt(last, 10, 64)
		if err != nil || n < 0 {
			return 0, 0, false
		}
		start = max(size-n, 0)
		return start, size - start, true
	}
	start, err := strconv.ParseInt(first, 10, 64)
	if err != nil || start < 0 {
		return 0, 0, false
	}
	if last != "" {
		n, err := strconv.ParseInt(last, 10, 64)
		if err != nil || n < start {
			return 0, 0, false
		}
		end = min(n, end)
	}
	return start, max(end-start+1, 0), true
}

// sendZip sends resources as a zip that is made before the first byte is sent
// ("the file are first zipped into a single file before the download starts").
func (a *api) sendZip(w http.ResponseWriter, r *http.Request, nodes []store.Node) error {
	staged, err := a.Store.Stage()
	if err != nil {
		return err
	}
	defer a.discard(staged)
	if err := a.zip(r.Context(), staged, nodes); err != nil {
		return err
	}
	name := r.URL.Query().Get("downloadArchiveName")
	if name == "" {
		name = "download"
		if len(nodes) == 1 && nodes[0].Name != "" {
			name = nodes[0].Name
		}
	}
	for _, n := range nodes[1:] {
		a.note(r, store.Entry{Op: store.OpDownload, Path: n.Path, Bytes: n.Size, Node: n})
	}
	return a.send(w, r, staged.File(), staged.Size(), nodes[0], "application/zip", withZip(name))
}

// withZip appends ".zip" to a name that does not end in it.
func withZip(name string) string {
	if strings.HasSuffix(strings.ToLower(name), ".zip") {
		return name
	}
	return name + ".zip"
}

// errNothing is a zip without any file; vendor tests saw a 500 for it.
var errNothing = &apiError{http.StatusInternalServerError, "ERROR_INTERNAL", "There is nothing to compress."}
