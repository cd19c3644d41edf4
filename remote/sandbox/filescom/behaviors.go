package filescom

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"

	"github.com/frugalfs/frugalfs/remote/sandbox/store"
)

// behavior is a rule on a folder; the sandbox knows those of type "webhook".
type behavior struct {
	ID    int64     `json:"id"`
	Path  string    `json:"path"` // account path
	Kind  string    `json:"behavior"`
	Value hookValue `json:"value"`
}

// hookValue is the setting of a webhook (2020 reference, "webhook").
type hookValue struct {
	URLs     []string          `json:"urls"`
	Method   string            `json:"method"`
	Triggers []string          `json:"triggers"`
	Encoding string            `json:"encoding"`
	Headers  map[string]string `json:"headers,omitempty"`
}

func (a *api) behaviorRecord(b behavior) map[string]any {
	return map[string]any{"id": b.ID, "path": a.userPath(b.Path), "behavior": b.Kind, "value": b.Value}
}

// listBehaviors answers GET /behaviors, /behaviors/{id} and
// /behaviors/folders/{path}.
func (a *api) listBehaviors(w http.ResponseWriter, r *request) error {
	all := a.hook.all()
	if r.verb == "" && r.path != "/" {
		b, err := a.behavior(r)
		if err != nil {
			return err
		}
		writeJSON(w, http.StatusOK, a.behaviorRecord(b))
		return nil
	}
	out := []map[string]any{}
	for _, b := range all {
		if (r.verb == "" || b.Path == a.home.Account(r.path)) && (!r.has("behavior") || r.text("behavior") == b.Kind) {
			out = append(out, a.behaviorRecord(b))
		}
	}
	writeJSON(w, http.StatusOK, out)
	return nil
}

func (a *api) behavior(r *request) (behavior, error) {
	id, err := r.id()
	if err != nil {
		return behavior{}, err
	}
	all := a.hook.all()
	i := slices.IndexFunc(all, func(b behavior) bool { return b.ID == id })
	if i < 0 {
		return behavior{}, errNotFound
	}
	return all[i], nil
}

// addBehavior answers POST /behaviors.
func (a *api) addBehavior(w http.ResponseWriter, r *request) error {
	path, err := cleanPath(r.text("path"))
	if err != nil {
		return err
	}
	b := behavior{Path: a.home.Account(path), Kind: r.text("behavior"), Value: hookValue{Method: http.MethodGet}}
	if b.Kind != "webhook" {
		return invalid("behavior is not one that the sandbox knows.")
	}
	if n, err := a.Store.Lookup(b.Path); err != nil || !n.Dir {
		return errNotFound
	}
	if err := b.set(r.params); err != nil {
		return err
	}
	b.ID = a.Store.NewID()
	if err := a.hook.put(b); err != nil {
		return err
	}
	writeJSON(w, http.StatusCreated, a.behaviorRecord(b))
	return nil
}

// set takes over the setting, which may be an object or JSON in a string.
func (b *behavior) set(p params) error {
	if !p.has("value") {
		return missing("value")
	}
	v := b.Value
	if err := json.Unmarshal([]byte(p.text("value")), &v); err != nil {
		return invalid("value is not valid.")
	}
	if len(v.URLs) == 0 || v.Method != http.MethodGet && v.Method != http.MethodPost ||
		!slices.Contains([]string{"", "RAW", "JSON"}, v.Encoding) {
		return invalid("value is not valid.")
	}
	for _, text := range v.URLs {
		if u, err := url.Parse(text); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return invalid("urls is not valid.")
		}
	}
	b.Value = v
	return nil
}

// patchBehavior answers PATCH /behaviors/{id}.
func (a *api) patchBehavior(w http.ResponseWriter, r *request) error {
	b, err := a.behavior(r)
	if err != nil {
		return err
	}
	if err := b.set(r.params); err != nil {
		return err
	}
	if err := a.hook.put(b); err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, a.behaviorRecord(b))
	return nil
}

// deleteBehavior answers DELETE /behaviors/{id}.
func (a *api) deleteBehavior(w http.ResponseWriter, r *request) error {
	b, err := a.behavior(r)
	if err != nil {
		return err
	}
	if err := a.hook.remove(b.ID); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// wants tells whether a behaviour is to be told of an entry.
func (b behavior) wants(e store.Entry) bool {
	action := actions[e.Op]
	return action != "" && !e.Failed && (under(e.Path, b.Path) || under(e.From, b.Path)) &&
		(len(b.Value.Triggers) == 0 || slices.Contains(b.Value.Triggers, action))
}
