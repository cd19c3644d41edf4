package filescom

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/frugalfs/frugalfs/remote"
)

// apiError is an error as it is answered. class is the service's own name of
// it, "group/name".
type apiError struct {
	status        int
	class, detail string
}

func (e *apiError) Error() string { return e.detail }

// The errors, with status and class as recordings show them, or as the
// official client names the class.
var (
	errUnauthorized = &apiError{http.StatusUnauthorized, "not-authenticated/authentication-required", "Authentication required."}
	errLogin        = &apiError{http.StatusUnauthorized, "not-authenticated/invalid-username-or-password", "Invalid username or password."}
	errForbidden    = &apiError{http.StatusForbidden, "not-authorized/history-permission-required", "You do not have permission to read the history."}
	errNotFound     = &apiError{http.StatusNotFound, "not-found", "Not Found"}
	errNoRoute      = &apiError{http.StatusNotFound, "not-found", "Not Found"}
	errNoUpload     = &apiError{http.StatusNotFound, "not-found/file-upload-not-found", "File Upload Not Found"}
	errExists       = &apiError{http.StatusUnprocessableEntity, "processing-failure/destination-exists", "The destination exists."}
	errNotEmpty     = &apiError{http.StatusUnprocessableEntity, "processing-failure/folder-not-empty", "Folder is not empty."}
	errNoParent     = &apiError{http.StatusConflict, "processing-failure/destination-parent-does-not-exist", "The destination's parent folder does not exist."}
	errParentIsFile = &apiError{http.StatusUnprocessableEntity, "processing-failure/destination-parent-conflict", "The destination's parent is a file."}
	errPathTooLong  = &apiError{http.StatusUnprocessableEntity, "processing-failure/path-too-long", "Path is too long."}
	errIsFolder     = &apiError{http.StatusBadRequest, "bad-request/cannot-download-directory", "Cannot download a directory."}
	errIsFile       = &apiError{http.StatusBadRequest, "bad-request/folder-must-not-be-a-file", "Folder must not be a file."}
	errSame         = &apiError{http.StatusBadRequest, "bad-request/destination-same", "Destination is the same as the source."}
	errInvalidPath  = &apiError{http.StatusBadRequest, "bad-request/invalid-path", "Path is not valid."}
	errBody         = &apiError{http.StatusBadRequest, "bad-request/invalid-body", "The body is not valid."}
	errCursor       = &apiError{http.StatusBadRequest, "bad-request/invalid-cursor", "Cursor is not valid."}
	errPartGap      = &apiError{http.StatusBadRequest, "bad-request/invalid-upload-part-gap", "There is a gap between the parts of the upload."}
	errPartSize     = &apiError{http.StatusBadRequest, "bad-request/invalid-upload-part-size", "The size of an upload's part is not valid."}
	errPartNumber   = &apiError{http.StatusBadRequest, "bad-request/part-number-too-large", "Part number is too large."}
	errOffset       = &apiError{http.StatusBadRequest, "bad-request/invalid-upload-offset", "Upload offset is not valid."}
	errETags        = &apiError{http.StatusBadRequest, "bad-request/invalid-etags", "The etags do not match the uploaded parts."}
	errNotUploaded  = &apiError{http.StatusUnprocessableEntity, "processing-failure/file-not-uploaded", "The file was not uploaded."}

	errTrailingSpace = &apiError{http.StatusBadRequest, "bad-request/path-cannot-have-trailing-whitespace", "Path cannot have trailing whitespace."}
)

func invalid(detail string) *apiError {
	return &apiError{http.StatusBadRequest, "bad-request/request-params-invalid", detail}
}

func missing(name string) *apiError {
	return &apiError{http.StatusBadRequest, "bad-request/request-params-required", name + " is required."}
}

func badTime(name string) *apiError {
	return &apiError{http.StatusBadRequest, "bad-request/datetime-parse", name + " must contain valid date and time"}
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
	case remote.Exist, remote.IsDir:
		return errExists
	case remote.NotDir:
		return errParentIsFile
	case remote.InvalidName:
		return errInvalidPath
	case remote.NameTooLong:
		return errPathTooLong
	case remote.Invalid:
		return invalid("This is not possible for this path.")
	}
	return &apiError{http.StatusInternalServerError, "internal-server-error", "Internal Server Error"}
}

// title makes a class's words: "Destination Exists".
func (e *apiError) title() string {
	name := e.class[strings.LastIndexByte(e.class, '/')+1:]
	words := strings.Split(name, "-")
	for i, w := range words {
		if w != "" {
			words[i] = strings.ToUpper(w[:1]) + w[1:]
		}
	}
	return strings.Join(words, " ")
}

// writeError writes an error as today, with its class, or as in 2020, without
// (2020 reference, "Errors").
func (a *api) writeError(w http.ResponseWriter, err error) {
	e := asAPIError(err)
	if a.Switches.Is("api", "2020") {
		writeJSON(w, e.status, map[string]any{"error": e.detail, "http-code": strconv.Itoa(e.status)})
		return
	}
	instance := newToken()
	w.Header().Set("X-Files-Error-Class", e.class)
	w.Header().Set("X-Request-Id", instance)
	writeJSON(w, e.status, map[string]any{
		"error": e.detail, "http-code": e.status, "instance": instance, "title": e.title(), "type": e.class,
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

// newToken makes 32 random hex digits.
func newToken() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}
