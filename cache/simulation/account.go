package simulation

import (
	"path"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/frugalfs/frugalfs/remote"
)

// RootID is the root folder's identifier.
const RootID = "1"

// Manners are how an account behaves where providers differ.
type Manners struct {
	// OtherNames is true if what meets a taken name gets another one; it is
	// refused otherwise.
	OtherNames bool
	// NoIDs is true if objects have no identifiers: a path means whatever is there.
	NoIDs bool
	// NewIDs is true if an upload over a file gives it a new identifier.
	NewIDs bool
	// ByPath is true if uploads go by the path of their folder, and make it if
	// it is missing.
	ByPath bool
	// Restamps is true if a move changes a file's time, and with it its version.
	Restamps bool
	// PageSize is how many entries a page of a listing has, at least 2.
	PageSize int
	// Batch is how many objects a request takes.
	Batch int
	// FeedLag is how late entries of the feed show.
	FeedLag time.Duration
	// Silent is true if answers to moves tell nothing about the objects.
	Silent bool
}

// Account is the files and folders of an account.
type Account struct {
	host    Host
	manners Manners

	// mu guards the fields below.
	mu      sync.Mutex
	objects map[string]*object
	last    int
	// contents are the contents of all versions there ever were.
	contents map[string]string
	entries  []entry
	late     []func()
	// feedGap makes the next read of the feed tell that it is not complete.
	feedGap bool
}

type object struct {
	id, parent, name string
	dir              bool
	content          string
	version          int
	changed          time.Time
}

// entry is one entry of the feed.
type entry struct {
	remote.Change
	shown time.Time
}

// New makes an empty account.
func New(host Host, m Manners) *Account {
	a := &Account{host: host, manners: m, objects: map[string]*object{}, contents: map[string]string{}, last: 1}
	a.objects[RootID] = &object{id: RootID, dir: true}
	return a
}

func (a *Account) number() int {
	a.last++
	return a.last
}

// pathOf is an object's path. The caller holds mu.
func (a *Account) pathOf(o *object) string {
	if o.id == RootID {
		return "/"
	}
	p := a.objects[o.parent]
	return path.Join(a.pathOf(p), o.name)
}

// child finds what has a name in a folder. The caller holds mu.
func (a *Account) child(parent, name string) *object {
	for _, o := range a.objects {
		if o.parent == parent && o.name == name && o.id != RootID {
			return o
		}
	}
	return nil
}

// at finds what is at a path. The caller holds mu.
func (a *Account) at(p string) *object {
	o := a.objects[RootID]
	for _, name := range strings.Split(strings.Trim(p, "/"), "/") {
		if name == "" {
			continue
		}
		if o = a.child(o.id, name); o == nil {
			return nil
		}
	}
	return o
}

// find finds what a reference means. The caller holds mu.
func (a *Account) find(ref remote.Ref) *object {
	if ref.ID != "" {
		return a.objects[ref.ID]
	}
	return a.at(ref.Path)
}

// children are the entries of a folder by name. The caller holds mu.
func (a *Account) children(id string) (all []*object) {
	for _, o := range a.objects {
		if o.parent == id && o.id != RootID {
			all = append(all, o)
		}
	}
	sort.Slice(all, func(i, j int) bool { return all[i].name < all[j].name })
	return all
}

// below are all objects below a folder, by path. The caller holds mu.
func (a *Account) below(id string) (all []*object) {
	for _, o := range a.children(id) {
		all = append(all, o)
		if o.dir {
			all = append(all, a.below(o.id)...)
		}
	}
	return all
}

// inside tells whether an object is a folder or in it. The caller holds mu.
func (a *Account) inside(o *object, folder string) bool {
	for ; o != nil; o = a.objects[o.parent] {
		if o.id == folder {
			return true
		}
	}
	return false
}

// add makes an object. The caller holds mu.
func (a *Account) add(parent, name string, dir bool, content string) *object {
	o := &object{id: strconv.Itoa(a.number()), parent: parent, name: name, dir: dir}
	a.objects[o.id] = o
	a.fill(o, content)
	return o
}

// fill gives an object content. The caller holds mu.
func (a *Account) fill(o *object, content string) {
	o.content, o.version, o.changed = content, a.number(), time.Now().Truncate(time.Second)
	a.contents[versionOf(o)] = content
}

// freeName is the name that an object gets which meets a taken one. The caller
// holds mu.
func (a *Account) freeName(parent, name string) string {
	free := name
	for i := 1; a.child(parent, free) != nil; i++ {
		free = name + " (" + strconv.Itoa(i) + ")"
	}
	return free
}

// log adds an entry to the feed. The caller holds mu.
func (a *Account) log(op remote.ChangeOp, p, from string) {
	now := time.Now()
	a.entries = append(a.entries, entry{
		remote.Change{ID: "f" + strconv.Itoa(len(a.entries)+1), At: now.Truncate(time.Second), Op: op, Path: p, From: from},
		now.Add(a.manners.FeedLag),
	})
}

// view is an object as the host sees it. The caller holds mu.
func (a *Account) view(o *object) Object {
	return Object{
		ID: o.id, Parent: o.parent, Name: o.name, Path: a.pathOf(o), Dir: o.dir,
		Version: versionOf(o), Content: o.content,
	}
}

func versionOf(o *object) string {
	if o.dir {
		return ""
	}
	return "v" + strconv.Itoa(o.version)
}

// describe is an object as the provider's answers show it. The caller holds mu.
func (a *Account) describe(o *object) remote.Object {
	shown := remote.Object{
		ID: o.id, ParentID: o.parent, Name: o.name, Path: a.pathOf(o), Dir: o.dir, Size: int64(len(o.content)),
		ModTime: o.changed, Version: versionOf(o),
	}
	if a.manners.NoIDs {
		shown.ID, shown.ParentID = "", ""
	}
	return shown
}

// Now is the account's own clock: it grows with each request and change.
func (a *Account) Now() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.number()
}

// Content is what a version holds, or held.
func (a *Account) Content(version string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.contents[version]
}

// Objects are all objects but the root, by path.
func (a *Account) Objects() []Object {
	a.mu.Lock()
	defer a.mu.Unlock()
	var all []Object
	for _, o := range a.below(RootID) {
		all = append(all, a.view(o))
	}
	return all
}

// Deliver carries out one request that is late; it tells whether there was one.
func (a *Account) Deliver() bool {
	a.mu.Lock()
	if len(a.late) == 0 {
		a.mu.Unlock()
		return false
	}
	do := a.late[0]
	a.late = a.late[1:]
	a.mu.Unlock()
	do()
	return true
}

// BreakFeed makes the next read of the feed tell that entries are missing.
func (a *Account) BreakFeed() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.feedGap = true
}
