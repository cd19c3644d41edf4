package main

import "slices"

// filemail: the seed trees are transfers that were received, which the reading
// workloads read.
var filemail = service{
	name: "filemail", pages: []int{1000}, share: 5, inside: "received", mails: true, limits: filemailLimits(),
	without: "files are made in drafts, which costs nothing, and sent as a whole: see W21",
	applies: []string{"W1", "W2", "W3", "W4", "W5", "W6", "W7", "W18", "W19", "W21"},
	note:    "one file in 5 of the full workloads, as a transfer of thousands of files is rare",
}

// reasonAgainst says why a workload does not apply, "" if it does.
func (s service) reasonAgainst(w workload) string {
	if len(s.applies) == 0 || slices.Contains(s.applies, w.name) {
		return ""
	}
	return s.without
}

// workloads are those of the provider, in the order of their names.
func (s service) workloads() []workload {
	all := workloads(s.share)
	if s.mails {
		all = append(all, mailWorkload(s.share))
	}
	return all
}

// mailWorkload sends a folder to people, and changes it then.
func mailWorkload(share scale) workload {
	const address = `printf 'ann@example.com, bob@example.com\n\nHello\n' >"$MNT/drafts/cp/recipients.txt"; `
	return workload{name: "W21", title: share.title("%d files in 20 folders", 500), steps: []step{
		{title: "into a draft", free: true, script: `cp -r "$SRC/cp" "$MNT/drafts/cp"`, least: fixed(0), most: fixed(0)},
		{title: "are mailed", free: true, script: address + `mv "$MNT/drafts/cp" "$MNT/sent/cp"`, least: fixed(4), most: fixed(4)},
		{title: "are read back", free: true, script: `diff -r "$SRC/cp" "$MNT/sent/cp"`, least: fixed(0), most: fixed(0)},
		{title: "get another subject", free: true, script: `mv "$MNT/sent/cp" "$MNT/sent/other"`, least: fixed(2), most: fixed(2)},
		{title: "one gets another name", free: true, script: `mv "$MNT/sent/other/d00/f000" "$MNT/sent/other/d01/moved"`, least: fixed(2), most: fixed(2)},
	}}
}

// filemailLimits: contents cost nothing, as their addresses come with the
// listing of a transfer; a file is fetched in one go, whatever is read of it.
func filemailLimits() map[string]limit {
	return map[string]limit{
		// the list of transfers, and the details of three or, with W19, four
		"W1":       {least: fixed(4), most: fixed(5)},
		"W2 idle":  {least: fixed(0), most: fixed(5), why: "there is no record of changes"},
		"W4":       {least: fixed(0), most: fixed(1)},
		"W5 first": {least: fixed(0), most: fixed(1)},
		"W6":       {least: fixed(0), most: fixed(0), moves: true},
		"W7":       {least: fixed(0), most: fixed(0)},
		"W19":      {least: fixed(2), most: fixed(3)},
	}
}
