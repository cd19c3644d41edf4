package filemail

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"github.com/frugalfs/frugalfs/remote"
)

// apiError is one of the service's errors, by its number.
type apiError struct {
	code    int
	name    string
	message string
	status  int // in API 2.0
}

// Error is the name.
func (e *apiError) Error() string { return e.name }

var (
	errUnknown     = &apiError{1001, "UnknownError", "Something went wrong", http.StatusInternalServerError}
	errParameter   = &apiError{1002, "InvalidParameter", "A parameter is wrong", http.StatusBadRequest}
	errMissing     = &apiError{1003, "InputParameterMissing", "Required parameter missing", http.StatusBadRequest}
	errEmail       = &apiError{1004, "InvalidEmail", "This is no address", http.StatusBadRequest}
	errNotFound    = &apiError{1005, "NotFound", "There is no such transfer or file", http.StatusBadRequest}
	errPassword    = &apiError{2001, "WrongUsernamePassword", "Wrong user name or password", http.StatusUnauthorized}
	errToken       = &apiError{2003, "InvalidOrExpiredLoginToken", "The login token is invalid or has expired", http.StatusUnauthorized}
	errCaptcha     = &apiError{2005, "CaptchaRequiredForNextLogin", "Too many wrong passwords", http.StatusUnauthorized}
	errDenied      = &apiError{2008, "AccessDenied", "Access denied", http.StatusUnauthorized}
	errSSO         = &apiError{2011, "UseSsoLink", "Use the link of your company", http.StatusUnauthorized}
	errSecondStep  = &apiError{2018, "TwoFactorPinNotValid", "A second factor is needed", http.StatusUnauthorized}
	errState       = &apiError{3100, "InvalidTransferState", "The transfer is in another state", http.StatusConflict}
	errNotComplete = &apiError{4003, "UploadNotComplete", "The upload is not complete", http.StatusConflict}
	errDeleted     = &apiError{4004, "FileIsDeleted", "The file is deleted", http.StatusBadRequest}
)

// asAPIError turns an error of the store into what the service would answer.
func asAPIError(err error) *apiError {
	var e *apiError
	if errors.As(err, &e) {
		return e
	}
	switch remote.KindOf(err) {
	case remote.NotExist:
		return errNotFound
	case remote.Exist, remote.NotDir, remote.IsDir, remote.InvalidName, remote.NameTooLong, remote.Invalid:
		return errParameter
	}
	return errUnknown
}

// writeError answers an error in the shape of the API that was asked.
func (a *api) writeError(w http.ResponseWriter, r *http.Request, err error) {
	e := asAPIError(err)
	out := map[string]any{"responsestatus": e.name, "errorcode": a.number(int64(e.code)), "errormessage": e.message}
	switch {
	case !isClassic(r):
		out["data"], out["errorid"] = nil, strconv.Itoa(e.code)
		writeJSON(w, e.status, out)
	case a.Switches.Is("errors", "named"):
		status := http.StatusInternalServerError
		if e.code == errNotFound.code {
			status = http.StatusNotFound
		}
		writeJSON(w, status, out)
	default:
		out["responsestatus"], out["errorname"] = "error", e.name
		writeJSON(w, http.StatusOK, out)
	}
}

// write answers a success: beside the status in the classic API, under data in
// API 2.0.
func (a *api) write(w http.ResponseWriter, r *http.Request, payload map[string]any) {
	if !isClassic(r) {
		writeJSON(w, http.StatusOK, map[string]any{"responsestatus": "OK", "data": payload})
		return
	}
	out := map[string]any{"responsestatus": "ok"}
	for k, v := range payload {
		out[k] = v
	}
	writeJSON(w, http.StatusOK, out)
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
