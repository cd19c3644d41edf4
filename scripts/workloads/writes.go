package main

import "slices"

// paced copies files one by one, about ten a second.
const paced = `cd "$SRC/cp"; find . -type d -exec mkdir -p "$DIR/paced/{}" \;
	find . -type f | while read -r f; do cp "$f" "$DIR/paced/$f"; sleep $PACE; done`

// pacedTar unpacks files one by one, about ten a second.
const pacedTar = `tar cf - -C "$SRC" tar | tar xf - -C "$DIR/slow" --checkpoint=10 --checkpoint-action=sleep=$(test $PACE = 0 && echo 0 || echo 1) --record-size=5120`

// save saves a file as editors do.
const save = `save() { head -c 9000 /dev/zero | tr '\0' "$1" >"$DIR/saves/.text.new"; sync "$DIR/saves/.text.new" 2>/dev/null || true
		mv "$DIR/saves/.text.new" "$DIR/saves/text"; }`

const saves = save + `
	for i in a b c d e f g h i j k l m n o p q r s t; do save $i; done`

const slowSaves = save + `
	for i in a b c d e f g h i j k l m n o p q r s t; do save $i; test $PACE = 0 || sleep 5; done`

const appends = `for i in $(seq 100); do echo "line $i" >>"$DIR/saves/log"; done`

const repository = `cp -r "$SRC/repo" "$HOME/repo-$$"; cd "$HOME/repo-$$"; git init -q -b main; git add .; git commit -qm first
	git clone -q "$HOME/repo-$$" "$DIR/free-clone"; cd "$DIR/free-clone"; git status >/dev/null
	echo more >>d01/f001; git commit -qam more; git gc -q`

func seedSaves(dir string) error {
	if err := writeSeed(dir, 9000, "saves", "text"); err != nil {
		return err
	}
	return writeSeed(dir, 900, "saves", "log")
}

func writes(share scale) []workload {
	return slices.Concat(copiesIn(share), changes(share), copiesWithin(share))
}

func copiesIn(share scale) []workload {
	return []workload{
		{name: "W8", title: share.title("cp -r %d files in 20 folders", 500), steps: []step{
			{script: `cp -r "$SRC/cp" "$DIR/cp"`, least: perPage(3, 500), most: perPage(4, 500)},
		}},
		{name: "W8", title: "the same, 10 files a second", slow: true, steps: []step{
			{variant: "paced", script: paced, least: fixed(3), most: fixed(12)},
		}},
		{name: "W9", title: "copy a 64 MiB file in", steps: []step{
			{script: `cp "$SRC/large.bin" "$DIR/new.bin"`, least: fixed(1), most: fixed(2)},
		}},
		{name: "W14", title: share.title("untar %d files", 300), steps: []step{
			{script: `tar cf - -C "$SRC" tar | tar xf - -C "$DIR"`, least: perPage(3, 300), most: perPage(4, 300)},
		}},
		{name: "W14", title: "the same, 10 files a second", slow: true,
			seed: func(dir string) error { return writeSeed(dir, 10, "slow", "kept") },
			steps: []step{
				{variant: "paced", script: pacedTar, least: fixed(3), most: fixed(12)},
			}},
		{name: "W15", title: share.title("rsync -a %d files", 300), steps: []step{
			{title: "in", variant: "in", script: `rsync -a "$SRC/rsync/" "$DIR/rsync/"`, least: perPage(3, 300), most: perPage(4, 300)},
			{title: "again", script: `rsync -a "$SRC/rsync/" "$DIR/rsync/"`, least: fixed(0), most: fixed(0)},
		}},
		{name: "W20", title: "git clone, status, commit, gc", steps: []step{
			{script: repository, least: perPage(3, 300), most: fixed(20), free: true},
		}},
	}
}

func changes(share scale) []workload {
	return []workload{
		{name: "W10", title: share.title("rm -rf of %d files in 20 folders", 500), seed: seedFiles("doomed", 20, share.of(500), 4096), steps: []step{
			{script: `rm -rf "$DIR/doomed"`, least: perFilePage(1, 500, 20), most: perPage(1, 500),
				why: "the limit is by files; the evidence holds folders, too, and one entry in common between pages"},
		}},
		{name: "W11", title: "20 saves at once", seed: seedSaves, steps: []step{
			{script: saves, least: fixed(1), most: fixed(2)},
		}},
		{name: "W11", title: "20 saves 5 s apart", seed: seedSaves, slow: true, steps: []step{
			{variant: "apart", script: slowSaves, least: fixed(20), most: fixed(22)},
		}},
		{name: "W12", title: share.title("mv %d files to another folder", 200), seed: seedMoves(share), steps: []step{
			{script: `mv "$DIR"/many/* "$DIR/archive/"`, least: fixed(1), most: fixed(2)},
		}},
		{name: "W13", title: "100 times append a line", seed: seedSaves, steps: []step{
			{script: appends, least: fixed(1), most: fixed(3)},
		}},
	}
}

func seedMoves(share scale) func(dir string) error {
	return func(dir string) error {
		if err := seedFiles("many", 1, share.of(200), 2000)(dir); err != nil {
			return err
		}
		return writeSeed(dir, 10, "archive", "kept")
	}
}

// notMoved is less than any content: only requests and their answers.
const notMoved = 256 << 10

func copiesWithin(share scale) []workload {
	return []workload{
		{name: "W16", title: "cp of 64 MiB within the mount", steps: []step{
			{script: `cp "$DIR/large/l2" "$DIR/copy.bin"`, least: fixed(1), most: fixed(3), moved: notMoved},
		}},
		{name: "W17", title: share.title("cp -r of %d files within the mount", 200), seed: seedFiles("within", 10, share.of(200), 4096), steps: []step{
			{script: `cp -r "$DIR/within" "$DIR/within-copy"`, least: fixed(1), most: perPage(3, 200), moved: notMoved},
		}},
	}
}

// workloads are all, in the order of their numbers.
func workloads(share scale) []workload {
	all := append(reads(share), writes(share)...)
	slices.SortStableFunc(all, func(a, b workload) int { return number(a.name) - number(b.name) })
	return all
}

func number(name string) (n int) {
	for _, c := range name[1:] {
		n = n*10 + int(c-'0')
	}
	return n
}
