package fs

import (
	"bufio"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"testing"

	"github.com/hanwen/go-fuse/v2/fuse"
	"go.uber.org/goleak"
)

// helperEnv makes the test binary mount something that answers nothing at the
// folder it names, and wait to be killed.
const helperEnv = "FRUGALFS_TEST_MOUNT"

func TestMain(m *testing.M) {
	asked()
	if dir := os.Getenv(helperEnv); dir != "" {
		mountAndHang(dir)
	}
	goleak.VerifyTestMain(m)
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// mountRaw mounts a file system that answers nothing at dir.
func mountRaw(dir, name string) (*fuse.Server, error) {
	opts := Options{Logger: quiet(), Source: "test"}.mountOptions()
	opts.Name = name
	server, err := fuse.NewServer(fuse.NewDefaultRawFileSystem(), dir, opts)
	if err == nil {
		go server.Serve()
	}
	return server, err
}

func mountAndHang(dir string) {
	if _, err := mountRaw(dir, typeName); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("mounted")
	select {}
}

// killedMount leaves a mount at dir whose program was killed.
func killedMount(t *testing.T, dir string) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), helperEnv+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if line != "mounted\n" {
		t.Fatalf("the helper says %q, %v", line, err)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	t.Cleanup(func() { _ = detach(dir, true) })
}
