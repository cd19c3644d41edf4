package yetishare_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/sandbox"
	"github.com/frugalfs/frugalfs/remote/yetishare"
)

// TestExpiredToken: a token that is refused is renewed once, in whatever words it
// is refused, and the call is made again.
func TestExpiredToken(t *testing.T) {
	for _, how := range []string{"sentence", "short", "user", "name", "401"} {
		for _, shape := range []string{"new", "old", "message", "success"} {
			a := open(t, map[string]string{"expired": how, "error-shape": shape, "token-life": "1m"})
			c := a.client()
			o := put(t, c, root, "file", "content")
			for _, call := range []func() error{
				func() error { _, err := c.Stat(ctx, o.Ref()); return err },
				func() error { _, err := c.List(ctx, root, func([]remote.Object) error { return nil }); return err },
				func() error { _, err := store(c, root, "other", "x", false); return err },
			} {
				a.clock.add(2 * time.Minute)
				before := a.Count()
				if err := call(); err != nil {
					t.Errorf("%s %s: %v", how, shape, err)
				}
				equal(t, how+" "+shape, a.Count()-before, 3)
			}
			equal(t, "content", names(t, c, root), "file=content other=x")
		}
	}
}

// TestUnexplained: a refusal in unknown words makes the client sign in anew only
// if the call names no object.
func TestUnexplained(t *testing.T) {
	a := open(t, map[string]string{"expired": "other", "token-life": "1m"})
	c := a.client()
	o := put(t, c, root, "file", "content")
	a.clock.add(2 * time.Minute)
	if _, err := c.Quota(ctx); err != nil {
		t.Error(err)
	}
	a.clock.add(2 * time.Minute)
	before := a.Count()
	_, err := c.Stat(ctx, o.Ref())
	if !remote.IsKind(err, remote.Other) || a.Count() != before+1 {
		t.Errorf("got %v after %d requests", err, a.Count()-before)
	}
}

// TestRenewedEarly: a token that was idle for long is not tried.
func TestRenewedEarly(t *testing.T) {
	a := open(t, nil)
	c := a.client()
	put(t, c, root, "file", "content")
	for _, idle := range []struct {
		time     time.Duration
		requests int
	}{{50 * time.Minute, 1}, {50 * time.Minute, 1}, {56 * time.Minute, 2}} {
		a.clock.add(idle.time)
		before := a.Count()
		if _, err := c.List(ctx, root, func([]remote.Object) error { return nil }); err != nil {
			t.Fatal(err)
		}
		equal(t, idle.time.String(), a.Count()-before, idle.requests)
	}
}

// TestOneSignIn: many calls that find the token expired sign in once.
func TestOneSignIn(t *testing.T) {
	a := open(t, map[string]string{"token-life": "1m"})
	c := a.client()
	put(t, c, root, "file", "content")
	a.clock.add(2 * time.Minute)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if _, err := c.List(ctx, root, func([]remote.Object) error { return nil }); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	equal(t, "sign-ins", a.CountBy()["authorize"], 2)
}

// TestRefusedSignIn: a password that was refused is never sent again, and no
// secret is in the error.
func TestRefusedSignIn(t *testing.T) {
	wrong := []func(*yetishare.Options){
		func(o *yetishare.Options) { o.Password = "another-secret" },
		func(o *yetishare.Options) { o.Key1, o.Key2 = "key-one", "another-secret" },
	}
	for _, change := range wrong {
		a := open(t, nil)
		c := a.client(change)
		for range 3 {
			_, err := c.Stat(ctx, root)
			if !remote.IsKind(err, remote.Auth) || strings.Contains(err.Error(), "secret") || remote.IsUnknown(err) {
				t.Errorf("got %v", err)
			}
		}
		_, err := store(c, root, "file", "x", false)
		if !remote.IsKind(err, remote.Auth) || remote.IsUnknown(err) {
			t.Errorf("got %v", err)
		}
		equal(t, "requests", a.Count(), 1)
	}
}

// TestSignInFails: trouble on the way to a sign-in is no refusal.
func TestSignInFails(t *testing.T) {
	a := open(t, nil)
	c := a.client(keys)
	for _, f := range []sandbox.Fault{{Kind: sandbox.Status, Status: 500}, {Kind: sandbox.HTML}, {Kind: sandbox.Reset}, {Kind: sandbox.Status, Status: 404}} {
		f.Op = "authorize"
		if err := a.Fail(f); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Stat(ctx, root); err == nil || remote.IsKind(err, remote.Auth) && f.Status != 404 || remote.IsUnknown(err) {
			t.Errorf("%+v: got %v", f, err)
		}
	}
}

// TestNeverInALoop: a site that takes no token is asked twice for each call.
func TestNeverInALoop(t *testing.T) {
	var signIns, calls atomic.Int64
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/v2/authorize" {
			reply(w, fmt.Sprintf(`{"data":{"access_token":"token-%d","account_id":158642},"_status":"success"}`, signIns.Add(1)))
			return
		}
		calls.Add(1)
		reply(w, `{"status":"error","response":"Could not validate access_token and account_id, please reauthenticate or try again."}`)
	})
	for range 2 {
		if _, err := c.Stat(ctx, root); !remote.IsKind(err, remote.Auth) {
			t.Errorf("got %v", err)
		}
	}
	equal(t, "sign-ins", signIns.Load(), 3)
	equal(t, "calls", calls.Load(), 4)
}

// TestClosed: the token ends with the client.
func TestClosed(t *testing.T) {
	a := open(t, nil)
	c := a.client()
	put(t, c, root, "file", "x")
	c.Close(ctx)
	c.Close(ctx)
	equal(t, "ends", a.CountBy()["sign out"], 1)
	equal(t, "content", names(t, c, root), "file=x")
}

// TestTokensAreSecrets: every token is made known before it is used.
func TestTokensAreSecrets(t *testing.T) {
	a := open(t, nil)
	var secrets []string
	c := a.client(func(o *yetishare.Options) { o.AddSecret = func(s string) { secrets = append(secrets, s) } })
	read(t, c, put(t, c, root, "file", "x").Ref(), 0, -1)
	if len(secrets) != 2 || len(secrets[0]) < 64 || len(secrets[1]) < 40 {
		t.Errorf("got %q", secrets)
	}
}

func TestOptions(t *testing.T) {
	for _, o := range []yetishare.Options{
		{}, {URL: "https://x"}, {URL: "https://x", Key1: "a"}, {URL: "https://x", Username: "a"}, {URL: "http://x", Username: "a", Password: "b"},
		{URL: "https://x", Username: "a", Password: "b"},
		{URL: "https://x", Username: "a", Password: "b", HTTP: http.DefaultClient, Root: "relative"},
		{URL: "https://x", Username: "a", Password: "b", HTTP: http.DefaultClient, Root: "/a/../b"},
		{URL: "https://x", Username: "a", Password: "b", HTTP: http.DefaultClient, RootID: "12"},
		{URL: "https://x", Username: "a", Password: "b", HTTP: http.DefaultClient, EmptyFiles: "never"},
	} {
		_, err := yetishare.New(o)
		var e *remote.Error
		if !errors.As(err, &e) || e.Kind != remote.Invalid {
			t.Errorf("%+v: got %v", o, err)
		}
	}
}
