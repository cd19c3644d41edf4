// Package filescom tries the sandbox's Files.com with the vendor's own client,
// so that the dialect is held against somebody else's reading of the API. It is
// a module of its own: frugalfs itself depends on none of this.
package filescom

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	files_sdk "github.com/Files-com/files-sdk-go/v3"
	"github.com/Files-com/files-sdk-go/v3/file"
	"github.com/Files-com/files-sdk-go/v3/folder"
)

const key = "key-of-the-test"

// sandbox starts the program that FRUGALFS names, over an empty folder, and
// returns its address and the folder.
func sandbox(t *testing.T, args ...string) (url, root string) {
	t.Helper()
	program := os.Getenv("FRUGALFS")
	if program == "" {
		program = filepath.Join(t.TempDir(), "frugalfs")
		build := exec.Command("go", "build", "-C", "../../..", "-o", program, ".")
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	root = filepath.Join(t.TempDir(), "account")
	cmd := exec.Command(program, append([]string{"sandbox", "--provider", "filescom", "--root", root}, args...)...)
	cmd.Env = append(os.Environ(), "FRUGALFS_API_KEY="+key)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	})
	return address(t, out), root
}

// address finds the account's address in what the sandbox prints.
func address(t *testing.T, out io.Reader) string {
	t.Helper()
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if _, rest, ok := strings.Cut(lines.Text(), " on http"); ok {
			url, _, _ := strings.Cut("http"+rest, ";")
			return url
		}
	}
	t.Fatal("the sandbox did not say where it listens")
	return ""
}

func config(url string) files_sdk.Config {
	return files_sdk.Config{APIKey: key, EndpointOverride: url}.Init()
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// paths lists a folder with the vendor's client, recursively or not.
func paths(t *testing.T, c *file.Client, path string, recursive bool) string {
	t.Helper()
	var out []string
	params := files_sdk.FolderListForParams{Path: path}
	if recursive {
		it, err := c.ListForRecursive(params)
		check(t, err)
		for it.Next() {
			out = append(out, it.Resource().Path)
		}
		check(t, it.Err())
		return strings.Join(out, " ")
	}
	it, err := c.ListFor(params)
	check(t, err)
	for it.Next() {
		out = append(out, it.File().Path)
	}
	check(t, it.Err())
	return strings.Join(out, " ")
}

func expect(t *testing.T, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestVendorClient(t *testing.T) {
	url, root := sandbox(t, "--switch", "default-page=2")
	c := &file.Client{Config: config(url)}
	folders := &folder.Client{Config: config(url)}
	yes := true

	_, err := folders.Create(files_sdk.FolderCreateParams{Path: "docs"})
	check(t, err)
	local := t.TempDir()
	big := make([]byte, 12<<20) // three parts
	_, _ = rand.Read(big)
	at := time.Date(2021, 2, 3, 4, 5, 6, 0, time.UTC)
	for name, content := range map[string][]byte{"small file.txt": []byte("hello"), "empty": nil, "big.bin": big} {
		from := filepath.Join(local, name)
		check(t, os.WriteFile(from, content, 0o644))
		check(t, c.UploadFile(from, "docs/new/"+name, file.UploadWithProvidedMtime(at)))
		stored, err := os.ReadFile(filepath.Join(root, "docs/new", name))
		check(t, err)
		if !bytes.Equal(stored, content) {
			t.Errorf("%s: %d bytes stored, %d sent", name, len(stored), len(content))
		}
	}
	expect(t, paths(t, c, "docs/new", false), "docs/new/big.bin docs/new/empty docs/new/small file.txt")
	expect(t, paths(t, c, "", true), "docs docs/new docs/new/big.bin docs/new/empty docs/new/small file.txt")

	entry, err := c.Find(files_sdk.FileFindParams{Path: "docs/new/big.bin"})
	check(t, err)
	if entry.Size != int64(len(big)) || entry.Type != "file" || entry.ProvidedMtime == nil || !entry.ProvidedMtime.Equal(at) {
		t.Errorf("%#v", entry)
	}
	to := filepath.Join(local, "back")
	_, err = c.DownloadToFile(files_sdk.FileDownloadParams{Path: "docs/new/big.bin"}, to)
	check(t, err)
	back, err := os.ReadFile(to)
	check(t, err)
	if !bytes.Equal(back, big) {
		t.Errorf("%d bytes came back", len(back))
	}

	moved, err := c.Move(files_sdk.FileMoveParams{Path: "docs/new/empty", Destination: "docs/moved"})
	check(t, err)
	expect(t, moved.Status, "completed")
	_, err = c.Copy(files_sdk.FileCopyParams{Path: "docs/new", Destination: "copy"})
	check(t, err)
	_, err = c.Copy(files_sdk.FileCopyParams{Path: "docs/new", Destination: "copy"})
	if !files_sdk.IsExist(err) {
		t.Errorf("a taken name: %v", err)
	}
	check(t, c.Delete(files_sdk.FileDeleteParams{Path: "docs/moved"}))
	if err := c.Delete(files_sdk.FileDeleteParams{Path: "docs"}); !files_sdk.IsErrorType(err, files_sdk.ErrFolderNotEmpty) {
		t.Errorf("a folder that is not empty: %v", err)
	}
	check(t, c.Delete(files_sdk.FileDeleteParams{Path: "docs", Recursive: &yes}))
	if _, err := c.Find(files_sdk.FileFindParams{Path: "docs"}); !files_sdk.IsNotExist(err) {
		t.Errorf("what was deleted: %v", err)
	}
	expect(t, paths(t, c, "", true), "copy copy/big.bin copy/small file.txt")
}
