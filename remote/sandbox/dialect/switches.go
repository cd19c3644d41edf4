package dialect

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/frugalfs/frugalfs/remote"
)

// Switch is one point on which a provider's documents leave open how the real
// service behaves, so that a client can be tried with each answer.
type Switch struct {
	// Name is how it is set, Default what holds otherwise.
	Name, Default string
	// Values are what may be set, in words; where Check is set they are only
	// a description.
	Values []string
	// Check, if not nil, accepts a value.
	Check func(value string) bool
	// Fixed is true if it can be set only when the sandbox is opened.
	Fixed bool
	// Help says what it is about.
	Help string
}

func (s Switch) takes(value string) bool {
	if s.Check != nil {
		return s.Check(value)
	}
	return slices.Contains(s.Values, value)
}

// NumberOr returns a Check that accepts positive numbers and the given words.
func NumberOr(words ...string) func(string) bool {
	return func(v string) bool {
		n, err := strconv.Atoi(v)
		return err == nil && n > 0 || slices.Contains(words, v)
	}
}

// IsDuration is a Check that accepts durations that are not negative.
func IsDuration(v string) bool {
	d, err := time.ParseDuration(v)
	return err == nil && d >= 0
}

// ListOf returns a Check that accepts "none" and some of the given words,
// joined with "+".
func ListOf(words ...string) func(string) bool {
	return func(v string) bool {
		if v == "none" {
			return true
		}
		for word := range strings.SplitSeq(v, "+") {
			if !slices.Contains(words, word) {
				return false
			}
		}
		return true
	}
}

// Switches is a table of switches with their present values. It may be used
// from many goroutines.
type Switches struct {
	table []Switch

	// mu guards values.
	mu     sync.RWMutex
	values map[string]string
}

// NewSwitches makes a table with some values set. Unknown names and values
// are errors of kind Invalid.
func NewSwitches(table []Switch, set map[string]string) (*Switches, error) {
	s := &Switches{table: table, values: map[string]string{}}
	for _, sw := range table {
		s.values[sw.Name] = sw.Default
	}
	for _, name := range slices.Sorted(maps.Keys(set)) {
		if _, err := s.find(name, set[name]); err != nil {
			return nil, err
		}
		s.values[name] = set[name]
	}
	return s, nil
}

// Set changes a switch while the sandbox runs.
func (s *Switches) Set(name, value string) error {
	sw, err := s.find(name, value)
	if err != nil {
		return err
	}
	if sw.Fixed {
		return wrong("switch %q can be set only when the sandbox is opened", name)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.values[name] = value
	return nil
}

func (s *Switches) find(name, value string) (Switch, error) {
	i := slices.IndexFunc(s.table, func(sw Switch) bool { return sw.Name == name })
	if i < 0 {
		return Switch{}, wrong("unknown switch %q; there are: %s", name, strings.Join(s.names(), ", "))
	}
	if !s.table[i].takes(value) {
		return Switch{}, wrong("switch %q cannot be %q; it takes: %s", name, value, strings.Join(s.table[i].Values, ", "))
	}
	return s.table[i], nil
}

func (s *Switches) names() []string {
	var names []string
	for _, sw := range s.table {
		names = append(names, sw.Name)
	}
	return names
}

func wrong(format string, args ...any) error {
	return remote.E(remote.Invalid, "switch", "", fmt.Errorf(format, args...))
}

// Get returns a switch's value, "" if there is no such switch.
func (s *Switches) Get(name string) string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.values[name]
}

// Is tells whether a switch has a value.
func (s *Switches) Is(name, value string) bool { return s.Get(name) == value }

// Has tells whether a value is in a switch that holds a list (see [ListOf]).
func (s *Switches) Has(name, word string) bool {
	return slices.Contains(strings.Split(s.Get(name), "+"), word)
}

// Number returns a switch's number; ok is false if it holds a word.
func (s *Switches) Number(name string) (n int, ok bool) {
	n, err := strconv.Atoi(s.Get(name))
	return n, err == nil
}

// Duration returns a switch's duration.
func (s *Switches) Duration(name string) time.Duration {
	d, _ := time.ParseDuration(s.Get(name)) // checked when it was set
	return d
}

// All returns the present values by name.
func (s *Switches) All() map[string]string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return maps.Clone(s.values)
}

// Core are the switches that every dialect has, and the server acts on.
func Core() []Switch {
	return []Switch{
		{Name: "case-folding", Default: "no", Values: []string{"no", "yes"}, Fixed: true,
			Help: "whether names that differ in case only are one name"},
		{Name: "foreign-logged", Default: "yes", Values: []string{"yes", "no"}, Fixed: true,
			Help: "whether changes made in the folder by hand show in the activity log when they are noticed"},
		{Name: "refused-counts", Default: "no", Values: []string{"no", "yes"},
			Help: "whether requests refused for the daily limit use it up, too"},
	}
}

// Table joins Core and a provider's own switches. One of the provider's that
// has the name of a core switch stands in its place, with another default.
func Table(own []Switch) []Switch {
	table := slices.DeleteFunc(Core(), func(c Switch) bool {
		return slices.ContainsFunc(own, func(s Switch) bool { return s.Name == c.Name })
	})
	return append(table, own...)
}
