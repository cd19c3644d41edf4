package exavault

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"github.com/frugalfs/frugalfs/remote"
)

// apiError is an error as it is answered.
type apiError struct {
	status       int
	code, detail string
}

func (e *apiError) Error() string { return e.detail }

// The errors that the introduction shows under "Common Errors". It shows
// ERROR_SHARE_NOT_FOUND; the code for resources is formed like it.
var (
	errUnauthorized = &apiError{http.StatusUnauthorized, "ERROR_INVALID_CREDENTIALS", "HTTP_UNAUTHORIZED"}
	errNotFound     = &apiError{http.StatusNotFound, "ERROR_RESOURCE_NOT_FOUND", "Resource not found"}
	errNoHook       = &apiError{http.StatusNotFound, "ERROR_WEBHOOK_NOT_FOUND", "Webhook not found"}
	errIsFolder     = invalid("Destination path cannot be an existing folder.")
	errForbidden    = error(&apiError{http.StatusForbidden, "ERROR_INSUFFICIENT_PRIVILEGES", "An error occurred"})
)

func invalid(detail string) *apiError {
	return &apiError{http.StatusBadRequest, "ERROR_INVALID_PARAMETER", detail}
}

func missing(parameter string) *apiError {
	return invalid("Parameter " + parameter + " is required.")
}

// asAPIError turns an error of the store into what the service would answer.
func asAPIError(err error) *apiError {
	var e *apiError
	if errors.As(err, &e) {
		return e
	}
	switch remote.KindOf(err) {
	case remote.NotExist:
		return errNotFound
	case remote.Exist:
		return invalid("A resource with this name already exists.")
	case remote.NotDir:
		return invalid("Path must be a folder.")
	case remote.IsDir:
		return errIsFolder
	case remote.InvalidName:
		return invalid("Invalid resource name.")
	case remote.NameTooLong:
		return invalid("Resource name is too long.")
	case remote.Invalid:
		return invalid("This is not possible for this resource.")
	}
	return &apiError{http.StatusInternalServerError, "ERROR_INTERNAL", "Server error"}
}

// errorBody is an error's item in an answer. In the 207 examples all but meta
// is null.
type errorBody struct {
	Code   *string        `json:"code"`
	Detail *string        `json:"detail"`
	Title  *string        `json:"title,omitempty"`
	Meta   map[string]any `json:"meta,omitempty"`
}

func writeError(w http.ResponseWriter, err error) {
	e := asAPIError(err)
	writeJSON(w, e.status, map[string]any{
		"responseStatus": e.status,
		"errors":         []errorBody{{Code: &e.code, Detail: &e.detail}},
	})
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
