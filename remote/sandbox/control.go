package sandbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"

	"github.com/frugalfs/frugalfs/remote/sandbox/dialect"
)

const controlPrefix = "/sandbox/"

func isControl(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, controlPrefix) }

// Stats is what GET /sandbox/stats answers.
type Stats struct {
	Count     int            `json:"count"`
	ByOp      map[string]int `json:"byOp"`
	Limit     int            `json:"limit"`
	Used      int            `json:"used"`
	Remaining int            `json:"remaining"`
}

// Stats tells the counters.
func (s *Server) Stats() Stats {
	limit, used := s.count.limited(), s.Used()
	return Stats{Count: s.Count(), ByOp: s.CountBy(), Limit: limit, Used: used, Remaining: max(limit-used, 0)}
}

// Report tells what the account did to the outside, such as mailing people; nil
// if the provider does no such thing.
func (s *Server) Report() any {
	if r, ok := s.dialect.(dialect.Reporter); ok {
		return r.Report()
	}
	return nil
}

// controls answers the control requests.
func (s *Server) controls() http.Handler {
	mux := http.NewServeMux()
	get := func(name string, f func() any) {
		mux.HandleFunc("GET "+controlPrefix+name, func(w http.ResponseWriter, _ *http.Request) { reply(w, f()) })
	}
	post := func(method, name string, f func(body []byte) error) {
		mux.HandleFunc(method+" "+controlPrefix+name, func(w http.ResponseWriter, r *http.Request) { act(w, r, f) })
	}
	get("stats", func() any { return s.Stats() })
	get("report", s.Report)
	get("requests", func() any { return s.Requests() })
	get("faults", func() any { return s.Faults() })
	get("switches", func() any { return s.switches.All() })
	post("POST", "faults", s.addFaults)
	post("POST", "switches", s.setSwitches)
	post("POST", "limit", s.setLimit)
	post("DELETE", "faults", func([]byte) error { s.ClearFaults(); return nil })
	post("POST", "release", func([]byte) error { s.Release(); return nil })
	post("POST", "reset-count", func([]byte) error { s.ResetCount(); return nil })
	return onlyLocal(mux)
}

func (s *Server) addFaults(body []byte) error {
	var faults []Fault
	if body = bytes.TrimSpace(body); !bytes.HasPrefix(body, []byte("[")) {
		body = fmt.Appendf(nil, "[%s]", body)
	}
	if err := json.Unmarshal(body, &faults); err != nil {
		return err
	}
	if len(faults) == 0 {
		return badFault("there is none in the request")
	}
	for _, f := range faults {
		if err := s.Fail(f); err != nil {
			return err
		}
	}
	return nil
}

func (s *Server) setSwitches(body []byte) error {
	var set map[string]string
	if err := json.Unmarshal(body, &set); err != nil {
		return err
	}
	for name, value := range set {
		if err := s.Set(name, value); err != nil {
			return err
		}
	}
	return nil
}

func (s *Server) setLimit(body []byte) error {
	var set struct{ Daily int }
	if err := json.Unmarshal(body, &set); err != nil {
		return err
	}
	s.SetLimit(set.Daily)
	return nil
}

func act(w http.ResponseWriter, r *http.Request, f func([]byte) error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	if err == nil {
		err = f(body)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	reply(w, map[string]bool{"ok": true})
}

func reply(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // the client went away: nothing to tell it
}

// onlyLocal refuses requests from other machines, and those that a browser
// was tricked into sending (by the host name or the origin).
func onlyLocal(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isLoopback(r.RemoteAddr) || !isLoopback(r.Host) || r.Header.Get("Origin") != "" {
			http.Error(w, "control requests are answered on this machine only", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func isLoopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		host = addr
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
