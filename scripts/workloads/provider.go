package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// service is how the bench runs on one provider's sandbox.
type service struct {
	name string
	// pages are the page caps to run with where none are asked for; 0 is a
	// provider that lists folders whole.
	pages []int
	// share is how many files of the full workloads there are to one here.
	share scale
	// note says why the workloads are smaller, or the sandbox is not as usual.
	note string
	// switches are set on the sandbox.
	switches map[string]string
	// shown is the folder of the account that is mounted as its root.
	shown string
	// inside is the folder of the mount that the workloads work in, "" for all
	// of it.
	inside string
	// mails is true if what is sent there is mailed to people.
	mails bool
	// applies are the workloads that can be run, nil for all, and without says
	// why the others cannot.
	applies []string
	without string
	// mirrored accounts have names of the sandbox's own making on disk, and
	// are compared through a second mount.
	mirrored bool
	// limits are those that differ from the workloads' own, by their keys.
	limits map[string]limit
}

// limit is what a step may cost at one provider.
type limit struct {
	// least and most are as in step.
	least, most func(c counts) int
	// moves is true where the content has to travel.
	moves bool
	// why explains what exceeds most.
	why string
}

// services are the providers that the bench knows.
var services = []service{
	{name: "exavault", pages: []int{100, 1000}, share: 1},
	{
		name: "exavault1", pages: []int{100}, share: 5, limits: legacyLimits(),
		switches: map[string]string{"burst": "none"},
		note: "one file in 5 of the full workloads: the API takes 500 requests in five minutes, and frugalfs keeps to that " +
			"for each mount; the sandbox does not, for it sees many mounts one after the other",
	},
	{name: "filescom", pages: []int{1000}, share: 1, limits: filescomLimits()},
	{
		name: "yetishare", pages: []int{0}, share: 5, shown: "frugalfs", mirrored: true, limits: yetishareLimits(),
		note: "one file in 5 of the full workloads: each is a request of its own, also when the account is looked at through a second mount",
	},
	filemail,
}

func findService(name string) (service, error) {
	i := slices.IndexFunc(services, func(s service) bool { return s.name == name })
	if i < 0 {
		return service{}, fmt.Errorf("--provider takes one of %s, not %q", strings.Join(providerNames(), ", "), name)
	}
	return services[i], nil
}

func providerNames() []string {
	var names []string
	for _, s := range services {
		names = append(names, s.name)
	}
	return names
}

// checkPage refuses a page size that the provider's pages cannot have.
func (s service) checkPage(page int) error {
	if (page == 0) != (s.pages[0] == 0) {
		return errors.New("--pages does not fit " + s.name)
	}
	return nil
}

// root is the folder of the sandbox's account that the workloads work in.
func (s service) root(account string) string { return filepath.Join(account, s.shown, s.inside) }

// limitOf is what a step may cost at this provider.
func (s service) limitOf(w workload, st step) limit {
	l, ok := s.limits[strings.TrimSpace(w.name+" "+st.variant)]
	if !ok {
		return limit{least: st.least, most: st.most, why: st.why}
	}
	if l.least == nil {
		l.least = st.least
	}
	if l.most == nil {
		l.most = l.least
	}
	return l
}

// perFile is a number of requests for each of n files, and some more.
func perFile(each, n, more int) func(counts) int {
	return func(c counts) int { return each*c.files(n) + more }
}

// unlimited is the limit of what is only reported.
func unlimited(counts) int { return noLimit }

// filescomLimits: no archives, so one request for each file that is read, two
// (begin and end) for each that is stored; uploads make missing folders; a move
// is of one object, a copy or a delete of a folder with all in it.
func filescomLimits() map[string]limit {
	stored := func(n int) limit { return limit{least: perFile(2, n, 0), most: perFile(2, n, 3)} }
	return map[string]limit{
		"W4":        {least: perFile(1, 500, 0), most: perFile(1, 500, 3)},
		"W5 first":  {least: perFile(1, 500, 0), most: perFile(1, 500, 3)},
		"W6":        {least: fixed(1), most: fixed(2)},
		"W7":        {least: fixed(1), most: fixed(2)},
		"W8":        stored(500),
		"W8 paced":  stored(500),
		"W9":        {least: fixed(2), most: fixed(3)},
		"W10":       {least: perFilePage(1, 500, 20), most: perFilePage(1, 500, 20)},
		"W11":       {least: fixed(2), most: fixed(3)},
		"W11 apart": {least: fixed(40), most: fixed(60)},
		"W12":       {least: perFile(1, 200, 0), most: perFile(1, 200, 1)},
		"W13":       {least: fixed(2), most: fixed(5)},
		"W14":       stored(300),
		"W14 paced": stored(300),
		"W15 in":    stored(300),
		"W16":       {least: fixed(1), most: fixed(2)},
		"W17":       {least: fixed(1), most: fixed(3)},
		"W19":       {least: perFile(1, 200, 1), most: perFile(1, 200, 4)},
		"W20":       {least: perFile(2, 300, 0), most: unlimited},
	}
}

// Why the legacy API takes more than its least.
const (
	looks        = "an address for each, and looks before and after, as answers to changes prove nothing"
	looksChanged = "a look before, an address, and a look after, as answers to changes prove nothing"
	looksCopied  = "answers to copies prove nothing, and there are no hashes, so contents are compared"
)

// legacyLimits: no archives, so one request for each file that is read or
// stored; batches of moves and copies.
func legacyLimits() map[string]limit {
	stored := func(n, folders int) limit {
		return limit{least: perFile(1, n, 0), most: perFile(1, n, folders), why: looks}
	}
	return map[string]limit{
		"W4":        {least: perFile(1, 500, 0), most: perFile(1, 500, 0)},
		"W5 first":  {least: perFile(1, 500, 0), most: perFile(1, 500, 0)},
		"W8":        stored(500, 21),
		"W8 paced":  stored(500, 21),
		"W9":        {least: fixed(1), most: fixed(1), why: looks},
		"W10":       {least: perFilePage(1, 500, 20), most: perFilePage(1, 500, 20)},
		"W11":       {least: fixed(1), most: fixed(2), why: looksChanged},
		"W13":       {least: fixed(1), most: fixed(3), why: looksChanged + "; and the old content"},
		"W14":       stored(300, 16),
		"W14 paced": stored(300, 16),
		"W15 in":    stored(300, 16),
		"W16":       {least: fixed(1), most: fixed(2), why: looksCopied},
		"W17":       {least: fixed(1), most: perFilePage(3, 200, 0), why: looksCopied},
		"W19":       {least: perFile(1, 200, 1), most: perFile(1, 200, 4)},
		"W20":       {least: perFile(1, 300, 0), most: unlimited},
	}
}

// yetishareLimits: folders are listed one by one and whole; everything else is
// of one object.
func yetishareLimits() map[string]limit {
	const twice = "a new folder is 2: the site would make a second one of the same name, so its place is looked at"
	folders := func(c counts) int { return c.folders - 1 } // the top one is known from mounting
	stored := func(n, folders int) limit {
		return limit{least: perFile(1, n, folders), most: perFile(1, n, folders), why: twice}
	}
	return map[string]limit{
		"W1":       {least: folders, most: func(c counts) int { return c.folders + 3 }},
		"W2 idle":  {least: fixed(0), most: func(c counts) int { return c.folders }, why: "there is no record of changes"},
		"W4":       {least: perFile(1, 500, 0), most: perFile(1, 500, 0)},
		"W5 first": {least: perFile(1, 500, 0), most: perFile(1, 500, 0)},
		"W6":       {least: fixed(1), most: fixed(2)},
		"W8":       stored(500, 21),
		"W8 paced": stored(500, 21),
		"W9":       {least: fixed(1), most: fixed(1), why: "the account's limits are asked before its first upload"},
		"W10": {least: perFile(1, 500, 21), most: perFile(1, 500, 2*21),
			why: "a folder is listed before its content goes, and again before it goes itself: a delete may take along what is in it"},
		"W11":       {least: fixed(2), most: fixed(2), why: "a changed file is a new object: a look, the upload, and the delete of the old one"},
		"W11 apart": {least: fixed(40), most: fixed(60)},
		"W12":       {least: perFile(1, 200, 0), most: perFile(1, 200, 0)},
		"W13":       {least: fixed(3), most: fixed(3), why: "a look, the old content, the upload, and the delete of the old object"},
		"W14":       stored(300, 16),
		"W14 paced": stored(300, 16),
		"W15 in":    stored(300, 16),
		"W16": {least: fixed(2), most: fixed(2), moves: true,
			why: "whether the site can copy is tried once, and the account's limits are asked before its first upload"},
		"W17": {least: perFile(2, 200, 11), most: perFile(2, 200, 11), moves: true, why: twice},
		"W19": {least: perFile(1, 200, 1), most: perFile(1, 200, 4)},
		"W20": {least: perFile(1, 300, 16), most: unlimited},
	}
}
