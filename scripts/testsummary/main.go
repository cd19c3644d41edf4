// Command testsummary reads the output of go test -json, prints what failed with
// its output, and ends with one line of counts. It fails if a test failed, or
// was skipped: what is not run proves nothing.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// event is one line of go test -json.
type event struct {
	Action     string
	Package    string
	Test       string
	ImportPath string
	Output     string
	Elapsed    float64
}

// summary collects events.
type summary struct {
	output                  map[string]*strings.Builder
	passed, failed, skipped int
	packages                int
	seconds                 float64
	report                  []string
}

func main() {
	s := &summary{output: map[string]*strings.Builder{}}
	if err := s.read(os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, "testsummary:", err)
		os.Exit(1)
	}
	for _, text := range s.report {
		fmt.Print(text)
	}
	fmt.Println(s.line())
	if s.failed > 0 || s.skipped > 0 || s.packages == 0 {
		os.Exit(1)
	}
}

func (s *summary) read(r io.Reader) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var e event
		if json.Unmarshal(lines.Bytes(), &e) != nil {
			s.report = append(s.report, lines.Text()+"\n") // not from a test
			continue
		}
		s.take(e)
	}
	return lines.Err()
}

func (s *summary) take(e event) {
	name := e.Package + e.ImportPath + " " + e.Test
	switch e.Action {
	case "output", "build-output":
		s.keep(name, e.Output)
	case "pass":
		s.pass(e)
		delete(s.output, name)
	case "fail", "build-fail":
		s.failed++
		s.tell(name, "FAILED")
	case "skip":
		if e.Test != "" { // a package without tests is no skipped test
			s.skipped++
			s.tell(name, "SKIPPED")
		}
	}
}

func (s *summary) pass(e event) {
	if e.Test == "" {
		s.packages++
		s.seconds += e.Elapsed
		return
	}
	s.passed++
}

func (s *summary) keep(name, text string) {
	if s.output[name] == nil {
		s.output[name] = &strings.Builder{}
	}
	s.output[name].WriteString(text)
}

func (s *summary) tell(name, what string) {
	text := ""
	if b := s.output[name]; b != nil {
		text = b.String()
	}
	s.report = append(s.report, fmt.Sprintf("--- %s: %s\n%s", what, name, text))
}

func (s *summary) line() string {
	return fmt.Sprintf("%d tests passed, %d failed, %d skipped in %d packages, %v",
		s.passed, s.failed, s.skipped, s.packages, time.Duration(s.seconds*float64(time.Second)).Round(time.Second))
}
