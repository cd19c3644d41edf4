package exavault

import (
	"archive/zip"
	"compress/flate"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/frugalfs/frugalfs/remote/sandbox/store"
)

// zipEntry is a file to be put into a zip.
type zipEntry struct {
	name string
	node store.Node
}

// zip writes resources, folders with their contents, as a zip. Empty folders
// leave no entry.
func (a *api) zip(ctx context.Context, to io.Writer, nodes []store.Node) error {
	entries, err := a.zipEntries(nodes)
	if err != nil {
		return err
	}
	if len(entries) == 0 {
		return errNothing
	}
	z := zip.NewWriter(to)
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) {
		return flate.NewWriter(w, flate.BestSpeed)
	})
	for _, e := range entries {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := a.zipOne(z, e); err != nil {
			return err
		}
	}
	return z.Close()
}

func (a *api) zipOne(z *zip.Writer, e zipEntry) error {
	f, n, err := a.Store.Open(e.node.ID)
	if err != nil {
		return err
	}
	w, err := z.CreateHeader(&zip.FileHeader{Name: e.name, Method: zip.Deflate, Modified: n.Updated})
	if err == nil {
		_, err = io.Copy(w, f)
	}
	return errors.Join(err, f.Close())
}

// zipEntries names the entries. One folder: its contents without its own
// name. Several resources: as the switch zip-layout says.
func (a *api) zipEntries(nodes []store.Node) ([]zipEntry, error) {
	var entries []zipEntry
	used, ids := map[string]bool{}, map[int64]bool{}
	shared := sharedFolder(nodes)
	for _, n := range nodes {
		if len(nodes) > 1 && a.Switches.Is("zip-layout", "bare") {
			shared, _ = store.SplitPath(n.Path)
		}
		items, err := a.Store.Walk(n.ID)
		if err != nil {
			return nil, err
		}
		prefix := strings.TrimPrefix(strings.TrimPrefix(n.Path, shared), "/")
		for _, it := range items {
			if !it.Dir && !ids[it.ID] {
				ids[it.ID] = true
				name := freeEntry(used, filepath.Join(prefix, it.Rel))
				entries = append(entries, zipEntry{name, it.Node})
			}
		}
	}
	return entries, nil
}

// sharedFolder returns the deepest folder that all resources are in; for one
// folder, that folder itself.
func sharedFolder(nodes []store.Node) string {
	if len(nodes) == 1 && nodes[0].Dir {
		return nodes[0].Path
	}
	shared, _ := store.SplitPath(nodes[0].Path)
	for _, n := range nodes[1:] {
		for shared != "/" && !strings.HasPrefix(n.Path, shared+"/") {
			shared, _ = store.SplitPath(shared)
		}
	}
	return shared
}

// freeEntry makes a name in a zip unique.
func freeEntry(used map[string]bool, name string) string {
	ext := filepath.Ext(name)
	try := name
	for i := 1; used[try]; i++ {
		try = strings.TrimSuffix(name, ext) + " (" + strconv.Itoa(i) + ")" + ext
	}
	used[try] = true
	return try
}

// unzip unpacks a whole zip into a folder on disk. Entries that point outside
// of it, and damaged ones, are errors.
func unzip(ctx context.Context, f *os.File, size int64, to string) error {
	z, err := zip.NewReader(f, size)
	if err != nil {
		return invalid("Resource is not a valid zip archive.")
	}
	for _, e := range z.File {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := unzipOne(e, to); err != nil {
			return err
		}
	}
	return nil
}

func unzipOne(e *zip.File, to string) error {
	name := strings.TrimSuffix(e.Name, "/")
	if !filepath.IsLocal(name) || badElement(name) {
		return invalid("The archive has an entry with an invalid name.")
	}
	target := filepath.Join(to, name)
	if strings.HasSuffix(e.Name, "/") {
		return orInvalid(os.MkdirAll(target, 0o755))
	}
	if !e.Mode().IsRegular() {
		return nil // links and devices are no part of an account
	}
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return orInvalid(err)
	}
	in, err := e.Open()
	if err != nil {
		return invalid("The archive uses an unknown compression.")
	}
	out, err := os.OpenFile(target, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o644)
	if err != nil {
		return errors.Join(orInvalid(err), in.Close())
	}
	_, err = io.Copy(out, in)
	err = errors.Join(err, out.Close())
	if err != nil {
		err = invalid("The archive is damaged.")
	}
	return errors.Join(err, in.Close())
}

func badElement(name string) bool {
	for part := range strings.SplitSeq(name, "/") {
		if store.CheckName(part) != nil {
			return true
		}
	}
	return false
}

// orInvalid blames the archive if two of its entries get into each other's
// way.
func orInvalid(err error) error {
	if err == nil || errors.Is(err, fs.ErrPermission) {
		return err
	}
	return invalid("The archive has entries that contradict each other.")
}
