package main

import (
	"strings"
	"testing"
)

// TestServiceLimits has every limit belong to a step, and allow what the step
// takes at least, or say why it does not.
func TestServiceLimits(t *testing.T) {
	for _, s := range services {
		unused := map[string]bool{}
		for key := range s.limits {
			unused[key] = true
		}
		c := counts{entries: 4700, folders: 140, page: s.pages[0], share: s.share}
		for _, w := range s.workloads() {
			for _, st := range w.steps {
				delete(unused, strings.TrimSpace(w.name+" "+st.variant))
				if l := s.limitOf(w, st); l.least(c) > l.most(c) && l.why == "" {
					t.Errorf("%s: %s %s %s takes %d at least, and may take %d", s.name, w.name, w.title, st.title, l.least(c), l.most(c))
				}
			}
		}
		for key := range unused {
			t.Errorf("%s has a limit for %q, which is no step", s.name, key)
		}
	}
}

func TestLimitsOfAServiceReplaceTheUsualOnes(t *testing.T) {
	legacy, err := findService("exavault1")
	if err != nil {
		t.Fatal(err)
	}
	c := counts{page: 100, share: legacy.share}
	st := step{least: fixed(7), most: fixed(8), why: "usual"}
	for _, test := range []struct {
		name        string
		least, most int
	}{
		{"W8", 100, 121}, // a fifth of 500 files, in 21 folders
		{"W12", 7, 8},
	} {
		l := legacy.limitOf(workload{name: test.name}, st)
		if l.least(c) != test.least || l.most(c) != test.most {
			t.Errorf("%s: %d and %d, not %d and %d", test.name, l.least(c), l.most(c), test.least, test.most)
		}
	}
	if _, err := findService("elsewhere"); err == nil {
		t.Error("an unknown provider was found")
	}
}

func TestPagesFitTheProvider(t *testing.T) {
	for _, test := range []struct {
		provider string
		page     int
		fits     bool
	}{{"exavault", 100, true}, {"exavault", 0, false}, {"yetishare", 0, true}, {"yetishare", 100, false}} {
		s, err := findService(test.provider)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.checkPage(test.page); (err == nil) != test.fits {
			t.Errorf("%s with pages of %d: %v", test.provider, test.page, err)
		}
	}
}
