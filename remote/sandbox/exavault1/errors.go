package exavault1

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"github.com/frugalfs/frugalfs/remote"
)

// apiError is an error object. Only code 100 and its message are published; the
// others are made up.
type apiError struct {
	code    int
	message string
	// file is true if it is about files, and so falls under the switch
	// "messages".
	file bool
}

// Error is the message.
func (e *apiError) Error() string { return e.message }

var (
	errPassword  = &apiError{code: 100, message: "Invalid username or password"}
	errKey       = &apiError{code: 101, message: "Invalid API key"}
	errToken     = &apiError{code: 102, message: "Access token is invalid or has expired"}
	errForbidden = &apiError{code: 103, message: "You do not have permission to do this"}
	errBurst     = &apiError{code: 104, message: "Rate limit exceeded, please wait"}
	errDaily     = &apiError{code: 105, message: "Transactions of the last 24 hours are used up"}
	errOperation = &apiError{code: 106, message: "Unknown operation"}
	errMissing   = about("File or folder does not exist")
	errTaken     = about("A file or folder of this name already exists")
)

// errMalformed is what the API answers with status 500.
type errMalformed struct{ what string }

// Error says what is wrong with the request.
func (e *errMalformed) Error() string { return "Missing or invalid parameter " + e.what }

func about(message string) *apiError { return &apiError{code: 200, message: message, file: true} }

// asAPIError turns an error of the store into what the service would answer.
func asAPIError(err error) *apiError {
	var e *apiError
	if errors.As(err, &e) {
		return e
	}
	switch remote.KindOf(err) {
	case remote.NotExist:
		return errMissing
	case remote.Exist:
		return errTaken
	case remote.NotDir:
		return about("This is not a folder")
	case remote.IsDir:
		return about("This is a folder")
	case remote.InvalidName, remote.NameTooLong:
		return about("Invalid name")
	}
	return about("This cannot be done")
}

// writeError answers an error: with status 200 unless the request is malformed.
func (a *api) writeError(w http.ResponseWriter, err error) {
	var bad *errMalformed
	if errors.As(err, &bad) {
		a.write(w, http.StatusInternalServerError, 0, map[string]any{"code": 500, "message": bad.Error()}, nil)
		return
	}
	e := asAPIError(err)
	if e.file && a.Switches.Is("messages", "mute") {
		e = &apiError{code: 1, message: "An error occurred"}
	}
	a.write(w, http.StatusOK, 0, map[string]any{"code": a.number(int64(e.code)), "message": e.message}, nil)
}

// writeResults answers a success, 2 for a partial one.
func (a *api) writeResults(w http.ResponseWriter, success int, results any) {
	a.write(w, http.StatusOK, success, nil, results)
}

func (a *api) write(w http.ResponseWriter, status, success int, problem, results any) {
	writeJSON(w, status, map[string]any{"success": a.number(int64(success)), "error": problem, "results": results})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	b, err := json.Marshal(v)
	if err != nil { // only values of our own types come here
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(b)))
	w.WriteHeader(status)
	_, _ = w.Write(b) // the client went away: nothing to tell it
}

// number is a number as the switch says.
func (a *api) number(n int64) any {
	if a.Switches.Is("numbers", "string") {
		return strconv.FormatInt(n, 10)
	}
	return n
}
