package yetishare

import (
	"crypto/rand"
	"crypto/subtle"
	"net/http"

	"github.com/frugalfs/frugalfs/remote/sandbox/store"
)

const (
	// accountID is the account's number.
	accountID = "158642"
	// maxFailures is how many refused sign-ins in a row lock the account.
	maxFailures = 5
)

// authorize answers /authorize, with a pair of keys or a user name and password.
func (a *api) authorize(r *http.Request) (any, string, error) {
	name, password := r.FormValue("username"), r.FormValue("password")
	ok := same(name, a.Username) && same(password, a.Password)
	if r.FormValue("key1") != "" {
		ok = same(r.FormValue("key1"), a.APIKey) && same(r.FormValue("key2"), a.AccessToken)
	} else if name == "" {
		return nil, "", say("Please provide a username.")
	} else if password == "" {
		return nil, "", say("Please provide a password.")
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if !ok || a.failures >= maxFailures {
		a.failures++
		return nil, "", say("Could not authenticate user. The username and password may be invalid or your account may be locked from too many failed logins.")
	}
	a.failures = 0
	token := rand.Text() + rand.Text() + rand.Text() + rand.Text()
	a.tokens[token] = a.Now()
	return object{"access_token": token, "account_id": accountID}, "", nil
}

// same compares a secret; one that was not configured is not asked for.
func same(got, want string) bool {
	return want == "" || subtle.ConstantTimeCompare([]byte(got), []byte(want)) == 1
}

// checkToken accepts a token that was used not long ago.
func (a *api) checkToken(token, account string) error {
	switch "" {
	case token:
		return missing("access_token")
	case account:
		return missing("account_id")
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	used, ok := a.tokens[token]
	if !ok || account != accountID || a.Now().Sub(used) > a.Switches.Duration("token-life") {
		delete(a.tokens, token)
		return a.expired()
	}
	a.tokens[token] = a.Now()
	return nil
}

func (a *api) expired() error {
	switch a.Switches.Get("expired") {
	case "short":
		return say("Could not validate access_token, please reauthenticate or try again.")
	case "user":
		return say("User not found.")
	case "name":
		return say("Username could not be found.")
	case "401":
		return &apiError{http.StatusUnauthorized, "Bad or expired token."}
	case "other":
		return say("Something went wrong.")
	}
	return say("Could not validate access_token and account_id, please reauthenticate or try again.")
}

// disable answers /disable_access_token.
func (a *api) disable(r *http.Request) (any, string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.tokens, r.FormValue("access_token"))
	return nil, "Token removed or no longer available.", nil
}

// accountInfo answers /account/info.
func (a *api) accountInfo(*http.Request) (any, string, error) {
	return object{
		"id": accountID, "username": a.Username, "level_id": "20", "email": a.Account + "@example.com", "status": "active",
		"lastlogindate": a.stamp(a.Now()), "datecreated": nil, "paidExpiryDate": "0000-00-00 00:00:00", "storageLimitOverride": nil,
	}, "", nil
}

// accountPackage answers /account/package.
func (a *api) accountPackage(*http.Request) (any, string, error) {
	limit := func(name string) string {
		if v := a.Switches.Get(name); v != "none" {
			return v
		}
		return "0"
	}
	return object{
		"id": "20", "label": "Premium Account", "max_upload_size": limit("max-upload"), "can_upload": "1",
		"wait_between_downloads": "0", "download_speed": "0", "max_storage_bytes": a.number(a.DiskLimit),
		"concurrent_uploads": "100", "concurrent_downloads": limit("downloads"), "downloads_per_24_hours": "0",
		"max_download_filesize_allowed": "0", "max_remote_download_urls": "50", "level_type": "paid user", "on_upgrade_page": "0",
	}, "", nil
}

// note logs what was done.
func (a *api) note(op store.Op, n store.Node, from string) {
	a.Store.Record(store.Entry{Op: op, Path: n.Path, From: from, Bytes: n.Size, User: a.Username, IP: "127.0.0.1", Protocol: "API", Node: n})
}
