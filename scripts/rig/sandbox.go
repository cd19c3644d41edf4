package rig

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// SandboxOptions say how a sandbox behaves.
type SandboxOptions struct {
	// Provider is whose API it speaks; "" is exavault.
	Provider string
	// Root is the folder that is the account.
	Root string
	// Log is the file for its output.
	Log string
	// Latency is added to every request.
	Latency time.Duration
	// PageCap is the most entries it lists on a page; 0 leaves its default.
	PageCap int
	// Limit is the daily number of requests; 0 leaves its default.
	Limit int
	// Restarts gives it an address that nobody else takes while it is down.
	Restarts bool
	// Switches are further ones of the sandbox's own.
	Switches map[string]string
}

// Sandbox is a running sandbox.
type Sandbox struct {
	*process
	URL, Root, Provider string

	binary, addr string
	options      SandboxOptions
}

// Stats is what a sandbox counted since it was started or reset.
type Stats struct {
	Count int            `json:"count"`
	ByOp  map[string]int `json:"byOp"`
}

// Request is one request that a sandbox answered.
type Request struct {
	At     time.Time `json:"at"`
	Method string    `json:"method"`
	Path   string    `json:"path"`
	Query  string    `json:"query"`
	Op     string    `json:"op"`
	Status int       `json:"status"`
	Bytes  int64     `json:"bytes"`
}

// StartSandbox starts a sandbox and returns when it answers.
func StartSandbox(ctx context.Context, binary string, o SandboxOptions) (*Sandbox, error) {
	if o.Provider == "" {
		o.Provider = "exavault"
	}
	addr, err := freeAddress(o.host())
	if err != nil {
		return nil, err
	}
	s := &Sandbox{URL: "http://" + addr, Root: o.Root, Provider: o.Provider, binary: binary, addr: addr, options: o}
	if err := s.Start(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// Start starts a sandbox that was stopped, at the address that it had, and returns
// when it answers.
func (s *Sandbox) Start(ctx context.Context) (err error) {
	s.process, err = start(s.binary, s.options.Log, credentials(s.Provider), s.options.args(s.addr)...)
	if err != nil {
		return err
	}
	if err := s.ready(ctx); err != nil {
		_ = s.Kill()
		return err
	}
	return nil
}

// host is the address of this machine to listen at. What connects from it does so
// from the usual one, which may leave no port of that free for long.
func (o SandboxOptions) host() string {
	if o.Restarts {
		return "127.0.0.2"
	}
	return "127.0.0.1"
}

func (o SandboxOptions) args(addr string) []string {
	args := []string{"sandbox", "--provider", o.Provider, "--root", o.Root, "--listen", addr}
	if o.Latency > 0 {
		args = append(args, "--latency", o.Latency.String())
	}
	if o.Limit > 0 {
		args = append(args, "--limit", strconv.Itoa(o.Limit))
	}
	if o.PageCap > 0 {
		args = append(args, "--switch", fmt.Sprintf("page-cap=%d", o.PageCap))
	}
	for name, value := range o.Switches {
		args = append(args, "--switch", name+"="+value)
	}
	return args
}

func freeAddress(host string) (string, error) {
	l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

func (s *Sandbox) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	err := Until(ctx, "the sandbox to answer", func() bool {
		_, err := s.Stats(ctx)
		return err == nil || s.ended()
	})
	if err == nil && s.ended() {
		err = errors.New("its process ended")
	}
	if err != nil {
		return fmt.Errorf("the sandbox did not start: %w\n%s", err, s.Output())
	}
	return nil
}

// Stop ends the sandbox.
func (s *Sandbox) Stop() error {
	_ = s.signal(os.Interrupt, 10*time.Second) // how it ends is of no interest
	return nil
}

// Kill ends the sandbox at once, as its host's failure would.
func (s *Sandbox) Kill() error {
	_ = s.signal(os.Kill, 10*time.Second) // how it ends is of no interest
	return nil
}

// Stats returns the counters.
func (s *Sandbox) Stats(ctx context.Context) (Stats, error) {
	var st Stats
	return st, s.control(ctx, http.MethodGet, "stats", nil, &st)
}

// Requests returns the last requests, oldest first.
func (s *Sandbox) Requests(ctx context.Context) ([]Request, error) {
	var rs []Request
	return rs, s.control(ctx, http.MethodGet, "requests", nil, &rs)
}

// Reset sets the counters to zero.
func (s *Sandbox) Reset(ctx context.Context) error {
	return s.control(ctx, http.MethodPost, "reset-count", nil, nil)
}

// Fail scripts a fault, in the JSON that the sandbox takes.
func (s *Sandbox) Fail(ctx context.Context, fault map[string]any) error {
	return s.control(ctx, http.MethodPost, "faults", fault, nil)
}

// Report asks what a sandbox has to tell beside its account: of mails that went
// out.
func (s *Sandbox) Report(ctx context.Context, v any) error {
	return s.control(ctx, http.MethodGet, "report", nil, v)
}

// Heal takes all scripted faults back.
func (s *Sandbox) Heal(ctx context.Context) error {
	if err := s.control(ctx, http.MethodDelete, "faults", nil, nil); err != nil {
		return err
	}
	return s.control(ctx, http.MethodPost, "release", nil, nil)
}

// control sends a request that the sandbox does not count.
func (s *Sandbox) control(ctx context.Context, method, name string, body, answer any) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	var text []byte
	if body != nil {
		text, _ = json.Marshal(body) // maps of plain values
	}
	req, err := http.NewRequestWithContext(ctx, method, s.URL+"/sandbox/"+name, bytes.NewReader(text))
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close() //nolint:errcheck // read to its end
	got, err := io.ReadAll(resp.Body)
	switch {
	case err != nil:
		return err
	case resp.StatusCode != http.StatusOK:
		return fmt.Errorf("sandbox: %s %s: %s: %s", method, name, resp.Status, got)
	case answer == nil:
		return nil
	}
	return json.Unmarshal(got, answer)
}

// NewSandboxDir makes an empty account below dir and returns its path.
func NewSandboxDir(dir string) (string, error) {
	root := filepath.Join(dir, "account")
	return root, os.MkdirAll(root, 0o755)
}
