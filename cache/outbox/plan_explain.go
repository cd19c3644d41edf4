package outbox

import (
	"fmt"
	"strconv"
	"strings"
)

// shown is how many names of a step Explain lists before it only counts.
const shown = 3

// Explain describes a plan for people, one line per step and one for the sum
// of its costs. name gives the path of a node as the mount shows it.
func Explain(steps []Step, name func(ino uint64) string) string {
	var b strings.Builder
	cost := 0
	for i := range steps {
		s := &steps[i]
		cost += s.Cost
		fmt.Fprintf(&b, "%d. %s %s (%s)", i+1, s.Op, describeStep(s, name), countRequests(s.Cost))
		if len(s.After) > 0 {
			b.WriteString(", after " + stepNumbers(s.After))
		}
		b.WriteString(": " + s.Reason + "\n")
	}
	fmt.Fprintf(&b, "%s in all\n", countRequests(cost))
	return b.String()
}

// describeStep names what a step is about.
func describeStep(s *Step, name func(uint64) string) string {
	switch s.Op {
	case ListDir, ListTree:
		return name(s.Parent)
	case Upload:
		if s.Over != 0 {
			return nameSome(s.Inos, name) + " over the deleted one"
		}
	case Rename:
		return nameSome(s.Inos, name) + " to " + strconv.Quote(s.Name)
	case Move, Archive, Copy:
		return nameSome(s.Inos, name) + " into " + name(s.Parent)
	case MoveRename:
		return nameSome(s.Inos, name) + " into " + name(s.Parent) + " as " + strconv.Quote(s.Name)
	case Delete:
		if len(s.Below) > 0 {
			return fmt.Sprintf("%s with the %d below", nameSome(s.Inos, name), len(s.Below))
		}
	}
	return nameSome(s.Inos, name)
}

// nameSome names the first few nodes and counts the rest.
func nameSome(inos []uint64, name func(uint64) string) string {
	var names []string
	for _, ino := range inos[:min(shown, len(inos))] {
		names = append(names, name(ino))
	}
	text := strings.Join(names, ", ")
	if more := len(inos) - shown; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// stepNumbers lists the numbers of steps as they are printed, from 1 on.
func stepNumbers(steps []int) string {
	var ns []string
	for _, i := range steps {
		ns = append(ns, strconv.Itoa(i+1))
	}
	return strings.Join(ns, ", ")
}

func countRequests(n int) string {
	switch n {
	case 0:
		return "no request"
	case 1:
		return "1 request"
	}
	return strconv.Itoa(n) + " requests"
}
