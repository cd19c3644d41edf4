package main

import "time"

// grep reads all files of 20 folders, 500 together.
const grep = `grep -r nothing-like-this "$DIR/tree/0" && exit 1 || test $? = 1`

// thumbnails reads a folder as a file manager does: its listing with all
// attributes, and each image by one of four programs that make thumbnails.
const thumbnails = `ls -l "$DIR/images" >/dev/null; find "$DIR/images" -type f -print0 | xargs -0 -n 1 -P 4 cat >/dev/null`

// absent looks for names that are not there, 50 in each of 20 folders.
const absent = `for f in "$DIR"/tree/0/*/*; do for i in $(seq 50); do test ! -e "$f/absent$i"; done; done`

func reads(share scale) []workload {
	all := func(c counts) int { return c.pages(c.entries) }
	return []workload{
		{name: "W1", title: "find -ls of everything, cold", cold: true, steps: []step{{
			script: `find "$DIR" -ls >/dev/null`, least: all,
			most: func(c counts) int { return all(c) + 4 },
		}}},
		{name: "W2", title: "the same", steps: []step{
			{title: "again", script: `find "$DIR" -ls >/dev/null`, least: fixed(0), most: fixed(0)},
			{title: "after a remount", remount: true, script: `find "$DIR" -ls >/dev/null`, least: fixed(0), most: fixed(1)},
		}},
		{name: "W2", title: "the same", slow: true, steps: []step{
			{title: "after 70 s idle", variant: "idle", idle: 70 * time.Second, script: `find "$DIR" -ls >/dev/null`, least: fixed(0), most: fixed(1)},
		}},
		{name: "W3", title: "stat of 1,000 absent names", steps: []step{
			{script: absent, least: fixed(0), most: fixed(0)},
		}},
		{name: "W4", title: share.title("grep -r of %d files, cold content", 500), steps: []step{
			{script: grep, least: fixed(1), most: fixed(5)},
		}},
		{name: "W5", title: share.title("grep -r of %d files", 500), steps: []step{
			{title: "first", variant: "first", script: grep, least: fixed(1), most: fixed(5)},
			{title: "after a remount", remount: true, script: grep, least: fixed(0), most: fixed(1)},
		}},
		{name: "W6", title: "both ends of a 64 MiB file", steps: []step{{
			script: `head -c 65536 "$DIR/large/l0" >/dev/null; tail -c 65536 "$DIR/large/l0" >/dev/null`,
			least:  fixed(2), most: fixed(2), moved: 4 << 20,
		}}},
		{name: "W7", title: "read 64 MiB from start to end", steps: []step{{
			script: `cat "$DIR/large/l1" >/dev/null`, least: fixed(1), most: fixed(1), moved: largeSize + 64<<10,
		}}},
		{name: "W18", title: "90 idle seconds", slow: true, steps: []step{
			{idle: 90 * time.Second, least: fixed(0), most: fixed(0)},
		}},
		{name: "W19", title: share.title("%d thumbnails, cold", 200), cold: true, seed: seedFiles("images", 1, share.of(200), 50<<10), steps: []step{
			{script: thumbnails, least: perPage(1, 200), most: perPage(4, 200)},
		}},
	}
}
