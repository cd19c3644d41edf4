package filescom

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/frugalfs/frugalfs/remote/sandbox/store"
)

// target is what the path of a request names.
type target struct {
	resource string // the first element: "files"
	verb     string // of file_actions: "move"
	path     string // the rest, as an account path; for resources with ids, "/ID"
}

// request is a request of the API and what was read from it.
type request struct {
	*http.Request
	target
	params
}

// route is what answers a kind of request.
type route struct {
	op   string
	open bool // no key is needed
	do   func(w http.ResponseWriter, r *request) error
}

// target reads a request's path. Elements are percent-encoded UTF-8, so that an
// encoded slash is part of a name, which no name may have.
func (a *api) target(r *http.Request) (target, error) {
	rest, ok := strings.CutPrefix(r.URL.EscapedPath(), base)
	if !ok {
		return target{}, errNoRoute
	}
	var t target
	t.resource, rest, _ = strings.Cut(rest, "/")
	t.resource = strings.TrimSuffix(t.resource, ".json")
	if t.resource == "file_actions" || t.resource == "history" || t.resource == "behaviors" && strings.HasPrefix(rest, "folders") {
		t.verb, rest, _ = strings.Cut(rest, "/")
	}
	path, err := unescape(rest)
	if err != nil {
		return t, err
	}
	switch t.resource {
	case "files", "folders", "file_actions":
		path = a.home.Account(path)
	}
	t.path = path
	return t, nil
}

// unescape turns an encoded path into a clean one that begins with a slash.
func unescape(escaped string) (string, error) {
	var b strings.Builder
	for part := range strings.SplitSeq(escaped, "/") {
		name, err := url.PathUnescape(part)
		if err != nil || strings.Contains(name, "/") {
			return "", errInvalidPath
		}
		b.WriteString("/" + name)
	}
	return cleanPath(b.String())
}

// maxPath is the longest path in characters (2020 reference).
const maxPath = 5000

// cleanPath checks a path as it came in a body or an address.
func cleanPath(path string) (string, error) {
	clean, err := store.CleanPath("/" + path)
	if err != nil {
		return "", err
	}
	if len([]rune(clean)) > maxPath {
		return "", errPathTooLong
	}
	for name := range strings.SplitSeq(clean, "/") {
		if strings.TrimRight(name, " \t\r\n") != name {
			return "", errTrailingSpace
		}
	}
	return clean, nil
}

// routes are the requests by method, resource and verb.
func (a *api) routes() map[string]route {
	return map[string]route{
		"GET files":                      {op: "download", do: a.getFile},
		"POST files":                     {op: "end", do: a.postFile},
		"PUT files":                      {op: "touch", do: a.patchFile},
		"PATCH files":                    {op: "touch", do: a.patchFile},
		"DELETE files":                   {op: "delete", do: a.deleteFile},
		"GET folders":                    {op: "list", do: a.list},
		"POST folders":                   {op: "mkdir", do: a.mkdir},
		"GET file_actions metadata":      {op: "info", do: a.metadata},
		"POST file_actions move":         {op: "move", do: a.move},
		"POST file_actions copy":         {op: "copy", do: a.copy},
		"POST file_actions begin_upload": {op: "begin", do: a.beginUpload},
		"GET file_migrations":            {op: "migration", do: a.getMigration},
		"GET api_key":                    {op: "key", do: a.apiKey},
		"POST sessions":                  {op: "session", open: true, do: a.login},
		"DELETE sessions":                {op: "session", do: a.logout},
		"GET action_logs":                {op: "activity", do: a.actionLogs},
		"GET history":                    {op: "activity", do: a.history},
		"GET history files":              {op: "activity", do: a.history},
		"GET history folders":            {op: "activity", do: a.history},
		"GET behaviors":                  {op: "webhooks", do: a.listBehaviors},
		"GET behaviors folders":          {op: "webhooks", do: a.listBehaviors},
		"POST behaviors":                 {op: "webhooks", do: a.addBehavior},
		"PATCH behaviors":                {op: "webhooks", do: a.patchBehavior},
		"DELETE behaviors":               {op: "webhooks", do: a.deleteBehavior},
	}
}

func (a *api) find(method string, t target) (route, bool) {
	name := method + " " + t.resource
	if t.verb != "" {
		name += " " + t.verb
	}
	r, ok := a.routes()[name]
	legacy := a.Switches.Is("api", "2020") && (t.resource == "file_actions" || t.resource == "action_logs")
	return r, ok && !legacy
}

// userPath turns an account path into one as the API writes it: relative to
// the user's home, without a slash at either end.
func (a *api) userPath(path string) string { return strings.TrimPrefix(a.home.User(path), "/") }
