package main_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/frugalfs/frugalfs"

// layer says what the packages below one folder may import of this module:
// folders of it, each with all below them. The longest folder that fits a
// package rules it.
type layer struct {
	folder string
	may    []string
}

// layers is the import direction cmd → fs → cache → remote. A folder may always
// import what is below itself.
var layers = []layer{
	{"", []string{"cmd"}},
	{"cmd", []string{"fs", "cache", "remote"}},
	{"cmd/endtoend", []string{"scripts/rig"}},
	{"fs", []string{"cache", "remote"}},
	{"cache", []string{"remote"}},
	{"cache/store", []string{"remote"}},
	{"cache/content", []string{"remote"}},
	{"cache/feed", []string{"cache/store", "remote"}},
	{"cache/outbox", []string{"cache/store", "remote"}},
	{"remote", nil},
	{"remote/clientkit", []string{"remote"}},
	{"remote/ledger", []string{"remote"}},
	{"remote/remotetest", []string{"remote"}},
	{"remote/sandbox", []string{"remote"}},
	{"scripts", []string{"scripts/rig", "remote"}},
}

// providers are the packages that speak one API each. Only cmd, which wires
// things together, and they themselves may name one.
var providers = []string{
	"remote/exavault", "remote/exavault1", "remote/filescom", "remote/yetishare", "remote/filemail",
}

// TestImportDirection holds the rules of the layers. Tests may import more.
func TestImportDirection(t *testing.T) {
	for file, imports := range importsOfModule(t) {
		folder := path.Dir(file)
		for _, target := range imports {
			if !allowed(folder, target) {
				t.Errorf("%s imports %s: not in the direction cmd -> fs -> cache -> remote", file, target)
			}
		}
	}
}

func allowed(folder, target string) bool {
	if below(target, folder) {
		return true
	}
	for _, p := range providers {
		if below(folder, p) {
			return target == "remote" || target == "remote/clientkit" || target == "remote/ledger" || below(target, p)
		}
		if below(target, p) && !below(folder, "cmd") {
			return false
		}
	}
	for _, may := range layerOf(folder).may {
		if below(target, may) {
			return true
		}
	}
	return false
}

func layerOf(folder string) layer {
	best := layers[0]
	for _, l := range layers {
		if below(folder, l.folder) && len(l.folder) >= len(best.folder) {
			best = l
		}
	}
	return best
}

func below(folder, top string) bool {
	return folder == top || strings.HasPrefix(folder, top+"/") || top == "" && folder == "."
}

// importsOfModule returns, for each file that is no test, what it imports of
// this module.
func importsOfModule(t *testing.T) map[string][]string {
	t.Helper()
	imports := map[string][]string{}
	err := filepath.WalkDir(".", func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return err
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range parsed.Imports {
			name, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			if rest, ours := strings.CutPrefix(name, module+"/"); ours {
				imports[filepath.ToSlash(file)] = append(imports[filepath.ToSlash(file)], rest)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(imports) == 0 {
		t.Fatal("no file imports anything: the test runs in the wrong folder")
	}
	return imports
}
