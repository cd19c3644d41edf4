package filescom

import (
	"bytes"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// maxBody bounds the body of an API request.
const maxBody = 4 << 20

// params are a request's parameters, from the address or the body. Values of
// the body stand as JSON; those of a form or the address as JSON strings.
type params map[string]json.RawMessage

func readParams(w http.ResponseWriter, r *http.Request) (params, error) {
	p := params{}
	p.add(r.URL.Query())
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return nil, errBody
	}
	if body = bytes.TrimSpace(body); len(body) == 0 {
		return p, nil
	}
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind == "application/x-www-form-urlencoded" {
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return nil, errBody
		}
		p.add(form)
		return p, nil
	}
	if err := json.Unmarshal(body, &p); err != nil {
		return nil, errBody
	}
	return p, nil
}

func (p params) add(v url.Values) {
	for name, values := range v {
		if text, err := json.Marshal(values[len(values)-1]); err == nil {
			p[name] = text
		}
	}
}

// text returns a parameter as it would be written, "" if it is not there.
func (p params) text(name string) string {
	raw := p[name]
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	if bytes.Equal(raw, []byte("null")) {
		return ""
	}
	return string(raw)
}

func (p params) has(name string) bool { return p.text(name) != "" }

// number reads a whole number that is at least least.
func (p params) number(name string, standard, least int64) (int64, error) {
	text := p.text(name)
	if text == "" {
		return standard, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < least {
		return 0, invalid(name + " is not valid.")
	}
	return n, nil
}

func (p params) flag(name string) bool {
	text := strings.ToLower(p.text(name))
	return text == "true" || text == "1"
}

// layouts are how times may be written.
var layouts = []string{time.RFC3339Nano, "2006-01-02 15:04:05 MST", "2006-01-02T15:04:05", time.DateTime, time.DateOnly}

// moment reads a time; the zero time if there is none. Recordings show that
// the year 1 is refused.
func (p params) moment(name string) (time.Time, error) {
	text := p.text(name)
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range layouts {
		if t, err := time.Parse(layout, text); err == nil && t.Year() > 1 {
			return t.UTC().Truncate(time.Second), nil
		}
	}
	return time.Time{}, badTime(name)
}

// within returns the parameters of a family: filter_gt[created_at] of
// "filter_gt" as created_at.
func (p params) within(family string) map[string]string {
	out := map[string]string{}
	for name := range p {
		rest, ok := strings.CutPrefix(name, family+"[")
		if field, closed := strings.CutSuffix(rest, "]"); ok && closed {
			out[field] = p.text(name)
		}
	}
	var object map[string]string
	if json.Unmarshal(p[family], &object) == nil {
		for field, value := range object {
			out[field] = value
		}
	}
	return out
}
