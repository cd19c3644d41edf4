package exavault

import (
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/frugalfs/frugalfs/remote/sandbox/dialect"
	"github.com/frugalfs/frugalfs/remote/sandbox/store"
)

// resource is the schema Resource of the API definition.
type resource struct {
	ID            int64          `json:"id"`
	Type          string         `json:"type"`
	Attributes    attributes     `json:"attributes"`
	Relationships *relationships `json:"relationships,omitempty"`
}

// attributes is the schema ResourceAttributes.
type attributes struct {
	Hash        string `json:"hash"`
	Name        string `json:"name"`
	Extension   string `json:"extension"`
	Type        string `json:"type"`
	CreatedBy   string `json:"createdBy"`
	UploadDate  string `json:"uploadDate"`
	CreatedAt   string `json:"createdAt"`
	UpdatedAt   string `json:"updatedAt"`
	AccessedAt  string `json:"accessedAt"`
	CreatedTime *int64 `json:"createdTime,omitempty"`
	UpdatedTime *int64 `json:"updatedTime,omitempty"`
	AccessTime  *int64 `json:"accessedTime,omitempty"`
	Path        string `json:"path"`
	Size        int64  `json:"size"`
	FileCount   *int   `json:"fileCount"`
	Previewable bool   `json:"previewable"`
}

// relation is a relationship's "data".
type relation struct {
	Data record `json:"data"`
}

type record struct {
	ID   int64  `json:"id"`
	Type string `json:"type"`
}

type relationships struct {
	ParentResource *relation `json:"parentResource,omitempty"`
	OwnerUser      relation  `json:"ownerUser"`
	OwnerAccount   relation  `json:"ownerAccount"`
}

// The ids of the sandbox's only account and user, as in the examples.
const (
	accountID = 7
	userID    = 124437
)

// zone is the one of the examples.
var zone = time.FixedZone("", -7*60*60)

func stamp(t time.Time) string { return t.In(zone).Format("2006-01-02T15:04:05-07:00") }

// userPath turns an account path into one relative to the user's home.
func (a *api) userPath(p string) string { return dialect.Home(a.home).User(p) }

// accountPath turns a clean path of the user into one of the account.
func (a *api) accountPath(p string) string { return dialect.Home(a.home).Account(p) }

// atHome tells whether an account path is the user's home or below it.
func (a *api) atHome(p string) bool { return dialect.Home(a.home).Holds(p) }

// shape describes a node as the service does.
func (a *api) shape(n store.Node) resource {
	at := attributes{
		Hash: n.Hash, Name: n.Name, Type: "file", Path: a.userPath(n.Path), Size: n.Size, CreatedBy: n.By,
		UploadDate: stamp(n.Uploaded), CreatedAt: stamp(n.Created),
		UpdatedAt: stamp(n.Updated), AccessedAt: stamp(n.Accessed),
		Extension: strings.TrimPrefix(path.Ext(n.Name), "."),
	}
	if n.Dir {
		entries := n.Entries
		at.Type, at.FileCount, at.Extension = "dir", &entries, ""
	}
	rel := &relationships{OwnerUser: relation{record{userID, "user"}}, OwnerAccount: relation{record{accountID, "account"}}}
	if n.Path == a.home {
		at.Name = ""
	} else {
		rel.ParentResource = &relation{record{n.ParentID, "resource"}}
	}
	return resource{ID: n.ID, Type: "resource", Attributes: at, Relationships: rel}
}

// shapeTimed is shape with the times as numbers, too, as in the examples of
// upload and extract.
func (a *api) shapeTimed(n store.Node) resource {
	r := a.shape(n)
	created, updated, accessed := n.Created.Unix(), n.Updated.Unix(), n.Accessed.Unix()
	r.Attributes.CreatedTime, r.Attributes.UpdatedTime, r.Attributes.AccessTime = &created, &updated, &accessed
	return r
}

func (a *api) shapes(nodes []store.Node) []resource {
	out := make([]resource, 0, len(nodes))
	for _, n := range nodes {
		out = append(out, a.shape(n))
	}
	return out
}

// single is the schema ResourceResponse.
type single struct {
	Status   int      `json:"responseStatus"`
	Data     resource `json:"data"`
	Included []any    `json:"included"`
}

func (a *api) writeSingle(w http.ResponseWriter, r *http.Request, status int, data resource, n store.Node) {
	writeJSON(w, status, single{status, data, a.include(r, n)})
}

// include returns the related records that a request asks for. Unknown names
// are passed over.
func (a *api) include(r *http.Request, nodes ...store.Node) []any {
	out := []any{}
	seen := map[int64]bool{}
	for name := range strings.SplitSeq(r.URL.Query().Get("include"), ",") {
		switch name {
		case "ownerUser":
			out = append(out, a.userRecord())
		case "ownerAccount":
			out = append(out, a.accountRecord())
		case "parentResource":
			for _, n := range nodes {
				if seen[n.ParentID] {
					continue
				}
				seen[n.ParentID] = true
				if p, err := a.Store.ByID(n.ParentID); err == nil && a.atHome(p.Path) {
					out = append(out, a.shape(p))
				}
			}
		}
	}
	return out
}
