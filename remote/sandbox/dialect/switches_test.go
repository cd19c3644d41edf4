package dialect

import (
	"strings"
	"testing"
	"time"

	"github.com/frugalfs/frugalfs/remote"
)

func table() []Switch {
	return []Switch{
		{Name: "words", Default: "a", Values: []string{"a", "b"}},
		{Name: "number", Default: "none", Values: []string{"none", "N"}, Check: NumberOr("none")},
		{Name: "pause", Default: "0s", Values: []string{"a duration"}, Check: IsDuration},
		{Name: "list", Default: "none", Values: []string{"x", "y"}, Check: ListOf("x", "y")},
		{Name: "fixed", Default: "a", Values: []string{"a", "b"}, Fixed: true},
	}
}

func TestSwitches(t *testing.T) {
	s, err := NewSwitches(table(), map[string]string{"number": "7", "pause": "3s", "list": "x+y", "fixed": "b"})
	if err != nil {
		t.Fatal(err)
	}
	n, ok := s.Number("number")
	if n != 7 || !ok || s.Duration("pause") != 3*time.Second || !s.Has("list", "y") || s.Has("list", "x+y") || !s.Is("fixed", "b") {
		t.Errorf("%v", s.All())
	}
	if err := s.Set("number", "none"); err != nil {
		t.Error(err)
	}
	if _, ok := s.Number("number"); ok {
		t.Error("none is no number")
	}
	for name, value := range map[string]string{"odd": "a", "words": "c", "number": "0", "pause": "-1s", "list": "x+z", "fixed": "a"} {
		if err := s.Set(name, value); !remote.IsKind(err, remote.Invalid) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s=%s: %v", name, value, err)
		}
	}
}
