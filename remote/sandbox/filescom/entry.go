package filescom

import (
	"mime"
	"path"
	"time"

	"github.com/frugalfs/frugalfs/remote/sandbox/store"
)

// entry is a file or folder as the service describes it; the fields are those
// that recordings of 2022 to 2024 show.
type entry struct {
	ID           *int64  `json:"id,omitempty"`
	Path         string  `json:"path"`
	Name         string  `json:"display_name"`
	Type         string  `json:"type"`
	Size         *int64  `json:"size"`
	Created      string  `json:"created_at"`
	Mtime        string  `json:"mtime"`
	Provided     *string `json:"provided_mtime"`
	CRC32        *string `json:"crc32"`
	MD5          *string `json:"md5"`
	MimeType     string  `json:"mime_type,omitempty"`
	Region       string  `json:"region,omitempty"`
	Permissions  string  `json:"permissions"`
	Locked       *bool   `json:"is_locked,omitempty"`
	BelowLocked  *bool   `json:"subfolders_locked?,omitempty"`
	DownloadURI  string  `json:"download_uri,omitempty"`
	PriorityMark string  `json:"priority_color,omitempty"`
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

// describe makes the entry of a node.
func (a *api) describe(n store.Node) (entry, error) {
	f, err := a.facts(n)
	if err != nil {
		return entry{}, err
	}
	e := entry{
		Path: a.userPath(n.Path), Name: n.Name, Type: "file", Created: stamp(n.Created), Mtime: stamp(n.Updated),
		Permissions: "lrwd", PriorityMark: f.Color,
	}
	if f.Provided != nil {
		text := stamp(*f.Provided)
		e.Provided = &text
	}
	if a.Switches.Is("ids", "yes") {
		e.ID = &n.ID
	}
	if n.Dir {
		no := false
		e.Type, e.Locked, e.BelowLocked = "directory", &no, &no
		if !f.Newest.IsZero() {
			e.Mtime = stamp(f.Newest)
		}
		return e, nil
	}
	e.Size, e.Region, e.MimeType = &n.Size, "us-east-1", mimeType(n.Name)
	if a.hashed(f) {
		e.MD5, e.CRC32 = &f.MD5, &f.CRC32
	}
	return e, nil
}

// hashed tells whether the digests show already.
func (a *api) hashed(f facts) bool {
	return !a.Switches.Is("hashes", "never") && !a.Now().Before(f.Stored.Add(a.Switches.Duration("hash-delay")))
}

func mimeType(name string) string {
	if t := mime.TypeByExtension(path.Ext(name)); t != "" {
		return t
	}
	return "application/octet-stream"
}

func (a *api) describeAll(nodes []store.Node) ([]entry, error) {
	out := make([]entry, 0, len(nodes))
	for _, n := range nodes {
		e, err := a.describe(n)
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, nil
}
