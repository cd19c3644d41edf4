package exavault

import (
	"context"
	"fmt"
	"mime"
	"net/http"
	"net/url"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/clientkit"
)

// ArchiveQuery is how many characters the query of an archive request may
// have: servers and proxies take addresses of 8 KB at least, and the base and
// the other lines need room too.
const ArchiveQuery = 6000

// Download opens a file (the reference, "GET /resources/download"). The
// reference does not mention ranges: a server may ignore them and send the
// whole file, which the Download then gives from 0 to its end if offset is not
// 0.
func (c *Client) Download(ctx context.Context, ref remote.Ref, offset, length int64) (*remote.Download, error) {
	id, err := identifier(opDownload, ref)
	if err != nil {
		return nil, err
	}
	if offset < 0 {
		return nil, &remote.Error{Kind: remote.Invalid, Op: opDownload, Path: ref.Path, Detail: "negative offset"}
	}
	if length == 0 {
		return &remote.Download{ReadCloser: http.NoBody, Offset: offset, Size: -1}, nil
	}
	k := downloadCall(opDownload, ref.Path, []string{id})
	content := clientkit.Content{Op: opDownload, Path: ref.Path, Offset: offset, Length: length}
	if r := content.Range(); r != "" {
		k.header.Set("Range", r)
	}
	resp, err := c.send(ctx, k)
	if err != nil {
		return k.noContent(offset, err)
	}
	d, err := content.Open(resp)
	if err != nil {
		_ = resp.Body.Close()
	}
	return d, err
}

// downloadCall asks for the bytes as they are: with a compressed answer its
// length could not be checked.
func downloadCall(op, about string, ids []string) call {
	return call{
		op: op, about: about, method: http.MethodGet, path: "/resources/download",
		query: url.Values{"resources[]": ids}, header: http.Header{"Accept-Encoding": {"identity"}},
	}
}

// noContent gives a range of an empty file, which a server may refuse to cut
// anything out of, as the empty content that it is.
func (k call) noContent(offset int64, err error) (*remote.Download, error) {
	if offset == 0 && isStatus(err, http.StatusRequestedRangeNotSatisfiable) {
		return &remote.Download{ReadCloser: http.NoBody}, nil
	}
	return nil, err
}

// DownloadArchive opens a zip of several objects, or of what is in one folder
// (the reference, "GET /resources/download"). One file alone comes as itself:
// use Download for that. See the package comment for the names in it. The
// server zips before it answers, which may take long. As many objects fit as
// [Client.ArchiveFits] says; more are kind Invalid.
func (c *Client) DownloadArchive(ctx context.Context, refs []remote.Ref) (*remote.Download, error) {
	ids, err := identifiers(opArchive, refs)
	if err != nil {
		return nil, err
	}
	if len(refs) == 0 || c.ArchiveFits(refs) < len(refs) {
		return nil, &remote.Error{Kind: remote.Invalid, Op: opArchive, Detail: fmt.Sprintf("%d objects do not fit in one request", len(refs))}
	}
	k := downloadCall(opArchive, refs[0].Path, ids)
	resp, err := c.send(ctx, k)
	if err != nil {
		return nil, err
	}
	d, err := k.openArchive(resp)
	if err != nil {
		_ = resp.Body.Close()
	}
	return d, err
}

func (k call) openArchive(resp *http.Response) (*remote.Download, error) {
	t, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")) // "" if it makes no sense
	if t == "text/html" || t == "application/json" || resp.StatusCode != http.StatusOK {
		return nil, k.corrupt(resp.StatusCode, "the answer is no archive but "+t, nil)
	}
	return clientkit.Content{Op: k.op, Path: k.about, Length: -1}.Open(resp)
}

// ArchiveFits returns how many of refs, from the first on, fit in one archive
// request.
func (c *Client) ArchiveFits(refs []remote.Ref) int {
	chars := 0
	for i, r := range refs {
		id, err := identifier(opArchive, r)
		if err != nil {
			return i
		}
		chars += len(encodeQuery(url.Values{"resources[]": {id}})) + 1
		if chars > ArchiveQuery {
			return i
		}
	}
	return len(refs)
}
