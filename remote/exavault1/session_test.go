package exavault1_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/exavault1"
	"github.com/frugalfs/frugalfs/remote/sandbox"
)

// clock is a time that tests move by hand.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Now()} }

// Now returns the time.
func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Add moves the time on.
func (c *clock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func signIn(user, password string) func(*exavault1.Options) {
	return func(o *exavault1.Options) { o.AccessToken, o.Username, o.Password = "", user, password }
}

func wantKind(t *testing.T, err error, kind remote.Kind) {
	t.Helper()
	if !remote.IsKind(err, kind) {
		t.Errorf("got error %v, want one of kind %q", err, kind)
	}
	if err == nil {
		return
	}
	for _, secret := range []string{"the-key", "the-token", "the-password", "access_token"} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("the error %q holds a secret", err)
		}
	}
}

// everyone stats the root from several goroutines at once.
func everyone(t *testing.T, c *exavault1.Client) {
	t.Helper()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, err := c.List(ctx, root, func([]remote.Object) error { return nil }); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

// TestSignIn: all who need a token wait for one sign-in, and for one more once
// it has expired.
func TestSignIn(t *testing.T) {
	k := newClock()
	a := open(t, sandbox.Options{Username: "ann", Password: "the-password", Now: k.Now, Switches: parse("token-life=1h")}, signIn("ann", "the-password"))
	for round := 1; round <= 3; round++ {
		everyone(t, a.client)
		if n := a.CountBy()["login"]; n != round {
			t.Errorf("%d sign-ins in %d hours", n, round)
		}
		k.Add(time.Hour)
	}
	if a.Count() != a.ledger.Count() {
		t.Errorf("the server was asked %d times, and the ledger says %d", a.Count(), a.ledger.Count())
	}
}

// TestRefusedPassword: a refused password is never sent again.
func TestRefusedPassword(t *testing.T) {
	a := open(t, sandbox.Options{Username: "ann", Password: "another"}, signIn("ann", "the-password"))
	for range 5 {
		_, err := a.client.Stat(ctx, root)
		wantKind(t, err, remote.Auth)
		_, err = a.client.Mkdir(ctx, root, "folder")
		wantKind(t, err, remote.Auth)
		if remote.IsUnknown(err) {
			t.Error("nothing was sent")
		}
	}
	if a.Count() != 1 {
		t.Errorf("%d requests", a.Count())
	}
}

// TestSignInLater: a sign-in that failed on the way is made again, for the next
// who needs it.
func TestSignInLater(t *testing.T) {
	a := open(t, sandbox.Options{Username: "ann", Password: "the-password"}, signIn("ann", "the-password"))
	if err := a.Fail(sandbox.Fault{Op: "login", Kind: sandbox.HTML}); err != nil {
		t.Fatal(err)
	}
	_, err := a.client.Mkdir(ctx, root, "folder")
	wantKind(t, err, remote.Corrupt)
	if remote.IsUnknown(err) {
		t.Error("the folder was never asked for")
	}
	if _, err := a.client.Mkdir(ctx, root, "folder"); err != nil {
		t.Error(err)
	}
}

// TestTokenExpires: a token that was given is replaced if there is a password,
// and is the end otherwise.
func TestTokenExpires(t *testing.T) {
	k := newClock()
	so := sandbox.Options{Username: "ann", Password: "the-password", AccessToken: "the-token", Now: k.Now, Switches: parse("token-life=1h")}
	renews := open(t, so, func(o *exavault1.Options) { o.Username, o.Password = "ann", "the-password" })
	ends := open(t, so)
	for _, a := range []*account{renews, ends} {
		if _, err := a.client.Stat(ctx, root); err != nil {
			t.Fatal(err)
		}
	}
	k.Add(2 * time.Hour)
	if _, err := renews.client.Mkdir(ctx, root, "folder"); err != nil {
		t.Error(err)
	}
	for range 3 {
		_, err := ends.client.Stat(ctx, root)
		wantKind(t, err, remote.Auth)
	}
	if renews.CountBy()["login"] != 1 || ends.Count() != 2 {
		t.Errorf("%v, %v", renews.CountBy(), ends.CountBy())
	}
}

// TestNoLoop: a server that refuses the token of every sign-in is not asked for
// more of them.
func TestNoLoop(t *testing.T) {
	k := newClock()
	now := func() time.Time { // each token has expired when it is used
		k.Add(time.Second)
		return k.Now()
	}
	a := open(t, sandbox.Options{Username: "ann", Password: "the-password", Now: now, Switches: parse("token-life=1ns")}, signIn("ann", "the-password"))
	for range 5 {
		_, err := a.client.Stat(ctx, root)
		wantKind(t, err, remote.Auth)
	}
	if n := a.CountBy()["login"]; n > 2 {
		t.Errorf("%d sign-ins", n)
	}
}

// TestTokenIsSecret: the token of a sign-in is told to whoever keeps secrets out
// of the log.
func TestTokenIsSecret(t *testing.T) {
	var secrets []string
	a := open(t, sandbox.Options{Username: "ann", Password: "the-password"}, signIn("ann", "the-password"), func(o *exavault1.Options) {
		o.AddSecret = func(s string) { secrets = append(secrets, s) }
	})
	if _, err := a.client.Stat(ctx, root); err != nil {
		t.Fatal(err)
	}
	last := a.Requests()[1].Query
	if len(secrets) != 1 || !strings.Contains(last, secrets[0]) {
		t.Errorf("%d secrets were told", len(secrets))
	}
}
