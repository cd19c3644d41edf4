package filescom

import (
	"crypto/subtle"
	"net/http"
	"strconv"
	"strings"
)

// id reads the id that a request's path ends in.
func (r *request) id() (int64, error) {
	id, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimPrefix(r.path, "/"), ".json"), 10, 64)
	if err != nil {
		return 0, errNotFound
	}
	return id, nil
}

// sessionOf returns the session that a request names, "" if none.
func sessionOf(r *http.Request) string {
	for _, name := range []string{"X-FilesAPI-Auth", "X-BrickAPI-Auth"} {
		if id := r.Header.Get(name); id != "" {
			return id
		}
	}
	return ""
}

// admitted tells whether a request proves who sent it: by key, by key as a
// user's name, or by session.
func (a *api) admitted(r *http.Request) bool {
	if id := sessionOf(r); id != "" {
		a.mu.Lock()
		defer a.mu.Unlock()
		return a.sessions[id]
	}
	if a.APIKey == "" {
		return true
	}
	if key := r.Header.Get("X-FilesAPI-Key"); key != "" {
		return same(key, a.APIKey)
	}
	user, _, ok := r.BasicAuth()
	return ok && same(user, a.APIKey)
}

func same(got, want string) bool { return subtle.ConstantTimeCompare([]byte(got), []byte(want)) == 1 }

// login answers POST /sessions.
func (a *api) login(w http.ResponseWriter, r *request) error {
	user, password := r.text("username"), r.text("password")
	if user == "" || password == "" {
		return missing("username and password")
	}
	if !same(user, a.Username) || a.Password != "" && !same(password, a.Password) {
		return errLogin
	}
	id := newToken()
	a.mu.Lock()
	a.sessions[id] = true
	a.mu.Unlock()
	writeJSON(w, http.StatusCreated, map[string]any{"id": id, "read_only": false})
	return nil
}

// logout answers DELETE /sessions.
func (a *api) logout(w http.ResponseWriter, r *request) error {
	a.mu.Lock()
	delete(a.sessions, sessionOf(r.Request))
	a.mu.Unlock()
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// apiKey answers GET /api_key.
func (a *api) apiKey(w http.ResponseWriter, r *request) error {
	if sessionOf(r.Request) != "" {
		return &apiError{http.StatusForbidden, "not-authorized/must-authenticate-with-api-key", "You must authenticate with an API key."}
	}
	writeJSON(w, http.StatusOK, map[string]any{
		"id": 1, "descriptive_label": nil, "created_at": "2000-01-01T01:00:00Z", "expires_at": nil, "key": nil,
		"last_use_at": nil, "name": "sandbox", "permission_set": "full", "platform": nil, "user_id": userID,
	})
	return nil
}
