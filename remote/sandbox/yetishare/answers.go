package yetishare

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"github.com/frugalfs/frugalfs/remote"
)

// apiError is an error as it is answered.
type apiError struct {
	status   int
	response string
}

// Error returns the sentence.
func (e *apiError) Error() string { return e.response }

// say is an error with status 200, as nearly all are ("Possible Errors").
func say(response string) *apiError { return &apiError{http.StatusOK, response} }

func missing(parameter string) *apiError {
	return say("Please provide the " + parameter + " param.")
}

var (
	errNoFile   = say("Could not find file based on file_id.")
	errNoFolder = say("Could not find folder based on folder_id.")
	errNoURL    = say("Could not generate download url.")
)

// object is a JSON object.
type object = map[string]any

func (a *api) fail(w http.ResponseWriter, err error) {
	var e *apiError
	if !errors.As(err, &e) {
		a.Logger.Warn("sandbox: a request failed", "err", err)
		e = &apiError{http.StatusInternalServerError, "Server error."}
		if remote.IsKind(err, remote.InvalidName) || remote.IsKind(err, remote.Invalid) {
			e = say("The request makes no sense.")
		}
	}
	body := object{"response": e.response, "_status": "error"}
	switch a.Switches.Get("error-shape") {
	case "old":
		body = object{"status": "error", "response": e.response}
	case "message":
		body = object{"message": e.response, "result": false}
	case "success":
		body = object{"success": false, "message": e.response}
	}
	a.write(w, e.status, body)
}

func (a *api) succeed(w http.ResponseWriter, data any, response string) {
	body := object{"_status": "success"}
	if response != "" {
		body["response"] = response
	}
	if c, ok := data.(copied); ok {
		body["original_file"], body["new_file"] = object{"data": c.from}, object{"data": c.to}
	} else if data != nil {
		body["data"] = data
	}
	a.write(w, http.StatusOK, body)
}

func (a *api) write(w http.ResponseWriter, status int, body object) {
	body["_datetime"] = a.stamp(a.Now())
	b, err := json.Marshal(body)
	if err != nil { // only values of our own types come here
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	kind := "application/json"
	if a.Switches.Is("content-type", "html") {
		kind = "text/html; charset=UTF-8"
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Date", a.Now().UTC().Format(http.TimeFormat))
	w.Header().Set("Content-Length", strconv.Itoa(len(b)))
	w.WriteHeader(status)
	_, _ = w.Write(b) // the client went away: nothing to tell it
}
