package exavault

import (
	"net/http"
	"strconv"
)

// shapeHook is the schema Webhook.
func shapeHook(k hook) map[string]any {
	return map[string]any{
		"id": k.ID, "type": "webhook",
		"attributes": map[string]any{
			"created": stamp(k.Created), "modified": stamp(k.Modified), "endpointUrl": k.Endpoint, "failed": k.Failed,
			"responseVersion": k.Version, "triggers": k.Triggers, "verificationToken": k.Token,
		},
		"relationships": map[string]any{
			"ownerAccount": relation{record{accountID, "account"}}, "resource": relation{record{k.Folder, "resource"}},
		},
	}
}

func (a *api) writeHook(w http.ResponseWriter, r *http.Request, status int, k hook) {
	var data any = shapeHook(k)
	if a.Switches.Is("webhook-data", "array") {
		data = []any{data}
	}
	writeJSON(w, status, map[string]any{"responseStatus": status, "data": data, "included": a.includeHook(r, k)})
}

func (a *api) includeHook(r *http.Request, hooks ...hook) []any {
	out := a.include(r)
	if r.URL.Query().Get("include") != "resource" {
		return out
	}
	for _, k := range hooks {
		if n, err := a.Store.ByID(k.Folder); err == nil {
			out = append(out, a.shape(n))
		}
	}
	return out
}

// listHooks answers GET /webhooks.
func (a *api) listHooks(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	offset, err := number(q, "offset", 0, 0)
	if err != nil {
		return err
	}
	limit, err := number(q, "limit", 100, 1)
	if err != nil {
		return err
	}
	all := a.hooks.all()
	from := min(offset, len(all))
	page := all[from:min(from+limit, len(all))]
	data := make([]any, 0, len(page))
	for _, k := range page {
		data = append(data, shapeHook(k))
	}
	writeJSON(w, http.StatusOK, map[string]any{
		"responseStatus": http.StatusOK, "data": data, "included": a.includeHook(r, page...),
		"returnedResults": len(data), "totalResults": len(all),
	})
	return nil
}

// addHook answers POST /webhooks.
func (a *api) addHook(w http.ResponseWriter, r *http.Request) error {
	var body hookBody
	if err := readBody(w, r, &body); err != nil {
		return err
	}
	if body.EndpointURL == "" {
		return missing("endpointUrl")
	}
	home, err := a.Store.Lookup(a.home)
	if err != nil {
		return err
	}
	k := hook{Folder: home.ID, Version: "v2", Token: newToken(), Created: a.Now()}
	if err := a.apply(&k, body); err != nil {
		return err
	}
	k.ID = a.Store.NewID()
	if err := a.hooks.put(k); err != nil {
		return err
	}
	a.writeHook(w, r, http.StatusCreated, k)
	return nil
}

func (a *api) findHook(r *http.Request) (hook, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	k, ok := a.hooks.get(id)
	if err != nil || !ok {
		return hook{}, errNoHook
	}
	return k, nil
}

// getHook answers GET /webhooks/{id}.
func (a *api) getHook(w http.ResponseWriter, r *http.Request) error {
	k, err := a.findHook(r)
	if err != nil {
		return err
	}
	a.writeHook(w, r, http.StatusOK, k)
	return nil
}

// patchHook answers PATCH /webhooks/{id}; a webhook that was switched off
// works again.
func (a *api) patchHook(w http.ResponseWriter, r *http.Request) error {
	k, err := a.findHook(r)
	if err != nil {
		return err
	}
	body := hookBody{Triggers: &k.Triggers} // "only send the portions you wish to change"
	if err := readBody(w, r, &body); err != nil {
		return err
	}
	if err := a.apply(&k, body); err != nil {
		return err
	}
	if err := a.hooks.put(k); err != nil {
		return err
	}
	a.writeHook(w, r, http.StatusOK, k)
	return nil
}

// newHookToken answers POST /webhooks/regenerate-token/{id}.
func (a *api) newHookToken(w http.ResponseWriter, r *http.Request) error {
	k, err := a.findHook(r)
	if err != nil {
		return err
	}
	k.Token, k.Modified = newToken(), a.Now()
	if err := a.hooks.put(k); err != nil {
		return err
	}
	a.writeHook(w, r, http.StatusOK, k)
	return nil
}

// deleteHook answers DELETE /webhooks/{id}.
func (a *api) deleteHook(w http.ResponseWriter, r *http.Request) error {
	k, err := a.findHook(r)
	if err != nil {
		return err
	}
	if err := a.hooks.remove(k.ID); err != nil {
		return err
	}
	writeEmpty(w)
	return nil
}
