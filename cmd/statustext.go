package cmd

import (
	"fmt"
	"strings"
	"time"

	"github.com/frugalfs/frugalfs/cmd/control"
	"github.com/frugalfs/frugalfs/remote/ledger"
)

// mostNamed is how many operations or programs are named on a line.
const mostNamed = 8

// printStatus prints how a mount stands for people to read: first what is so,
// then what is wrong and what can be done about it.
func (a *app) printStatus(s control.Status) {
	a.printf("%s\n", printable(s.Mountpoint))
	for _, line := range statusLines(s) {
		if line.text != "" {
			a.printf("  %-11s %s\n", line.name, oneLine(a.redactor.Redact(line.text)))
		}
	}
}

// line is one line of a status; without a text it is left out.
type line struct{ name, text string }

func statusLines(s control.Status) []line {
	now := s.Ledger.At
	lines := []line{
		{"account", accountText(s)},
		{"state", stateText(s, now)},
		{"waiting", waitingText(s)},
		{"requests", requestsText(s.Ledger)},
		{"by kind", tallies(s.Ledger.ByOp)},
		{"by class", tallies(s.Ledger.ByClass)},
		{"by program", tallies(s.Ledger.ByProgram)},
		{"moved", movedText(s.Ledger.Day)},
		{"content", contentText(s)},
		{"freshness", freshnessText(s, now)},
		{"webhooks", webhooksText(s, now)},
		{"indexers", sparedText(s)},
		{"known", plural(s.Nodes, "file or folder", "files and folders")},
		{"state in", s.StateDir},
		{"process", fmt.Sprintf("%d, version %s, since %s", s.PID, s.Version, s.Started.Format(time.DateTime))},
	}
	return append(append(lines, uploadLines(s)...), troubles(s)...)
}

func accountText(s control.Status) string {
	text := s.Account
	if s.Root != "/" {
		text += ", folder " + s.Root
	}
	if s.ReadOnly {
		text += ", read-only"
	}
	return text
}

func stateText(s control.Status, now time.Time) string {
	answer := "it has not been asked yet"
	if !s.LastAnswer.IsZero() {
		answer = "last answer " + ago(s.LastAnswer, now)
	}
	switch s.State {
	case control.Offline:
		return "offline (" + answer + "): what is known is shown" + asOf(s, now) + ", and changes wait"
	case control.Budget:
		text := "the transactions of 24 hours are used up: what is known is shown" + asOf(s, now) + ", and changes wait"
		if s.Ledger.BlockedUntil.After(now) {
			text += "; the next try is in " + humanTime(s.Ledger.BlockedUntil.Sub(now))
		}
		return text
	}
	return "online, " + answer
}

// asOf says how old what is shown may be.
func asOf(s control.Status, now time.Time) string {
	if s.KnownAt.IsZero() {
		return ""
	}
	return ", as it was " + ago(s.KnownAt, now)
}

func webhooksText(s control.Status, now time.Time) string {
	h := s.Webhooks
	if h == nil {
		return ""
	}
	text := plural(h.Good, "message", "messages")
	if h.Good > 0 {
		text += ", the last " + ago(h.Last, now)
	}
	if h.Refused > 0 {
		text += fmt.Sprintf("; %d refused", h.Refused)
	}
	if h.Relied {
		text += "; the provider's record of changes is read less often"
	}
	return text
}

func sparedText(s control.Status) string {
	if s.Spared == nil {
		return ""
	}
	return fmt.Sprintf("%s not made for %s", plural(s.Spared.Requests, "request", "requests"), strings.Join(s.Spared.Programs, ", "))
}

func waitingText(s control.Status) string {
	text := "nothing"
	if n := s.Pending - s.KeptHere; n > 0 {
		text = plural(n, "change", "changes")
	}
	if s.KeptHere > 0 {
		text += fmt.Sprintf("; %s here only, as the provider stores none", plural(s.KeptHere, "empty file is", "empty files are"))
	}
	if s.Sending > 0 {
		text += fmt.Sprintf(", %s under way", plural(s.Sending, "request", "requests"))
	}
	return text
}

// uploadLines say how far the files are that are being sent.
func uploadLines(s control.Status) []line {
	var lines []line
	for _, up := range s.Uploads[:min(mostNamed, len(s.Uploads))] {
		lines = append(lines, line{"sending", fmt.Sprintf("%d%% of %s: %s", up.Percent, humanSize(up.Size), printable(up.Path))})
	}
	if more := len(s.Uploads) - mostNamed; more > 0 {
		lines = append(lines, line{"sending", fmt.Sprintf("and %d more", more)})
	}
	return lines
}

func requestsText(l ledger.Snapshot) string {
	text := fmt.Sprintf("%d in 24 hours", l.Day.Requests)
	if l.Day.Failed > 0 {
		text += fmt.Sprintf(", %d of them failed", l.Day.Failed)
	}
	if l.Day.Refused > 0 {
		text += fmt.Sprintf(", and %d not made to save the rest", l.Day.Refused)
	}
	switch {
	case l.Limit == 0:
		text += "; the limit is not known yet"
	case l.Remaining < 0:
		text += fmt.Sprintf("; %d are allowed", l.Limit)
	default:
		text += fmt.Sprintf("; %d of %d left", l.Remaining, l.Limit)
	}
	switch {
	case l.Limit > 0 && l.Word == ledger.OwnWord:
		text += " (the limit is --daily-limit)"
	case l.Limit > 0 && l.Word == ledger.ProviderWord:
		text += " (says the provider)"
	}
	return text
}

func tallies(all []ledger.Tally) string {
	var words []string
	for _, t := range all[:min(mostNamed, len(all))] {
		if t.Requests == 0 {
			continue
		}
		name := t.Name
		if name == "" {
			name = "frugalfs"
		}
		words = append(words, fmt.Sprintf("%s %d", name, t.Requests))
	}
	return strings.Join(words, ", ")
}

func movedText(day ledger.Tally) string {
	return fmt.Sprintf("%s up, %s down in 24 hours", humanSize(day.Up), humanSize(day.Down))
}

func contentText(s control.Status) string {
	text := humanSize(s.Content.Cached) + " cached"
	if s.Content.Limit > 0 {
		text += " of at most " + humanSize(s.Content.Limit)
	}
	if s.Content.StagedFiles > 0 {
		text += fmt.Sprintf("; %s in %s written here", humanSize(s.Content.Staged), plural(s.Content.StagedFiles, "file", "files"))
	}
	return text
}

func freshnessText(s control.Status, now time.Time) string {
	if s.Freshness != "feed" {
		return fmt.Sprintf("by age: a folder is listed again when it is used after %v", s.MaxAge)
	}
	return fmt.Sprintf("by the provider's record of changes, read %s", ago(s.FeedRead, now))
}

// troubles are what is wrong, with the way out.
func troubles(s control.Status) []line {
	var lines []line
	add := func(name, format string, args ...any) {
		lines = append(lines, line{name, fmt.Sprintf(format, args...)})
	}
	if s.Trouble != "" {
		add("trouble", "%s", s.Trouble)
	}
	if s.Failed > 0 {
		add("given up", "%s; see why, then retry, export or drop with: frugalfs pending %s", plural(s.Failed, "change", "changes"), s.Mountpoint)
	}
	for _, c := range s.Conflicts {
		add("conflict", "%s (%s): it was changed on both sides, and both are kept", c.Path, c.At.Local().Format(time.DateTime))
	}
	for _, r := range s.Refused {
		add("refused", "%s (%s): %s", r.Path, r.At.Local().Format(time.DateTime), r.Why)
	}
	for _, lost := range s.Lost {
		add("lost", "%s", lost)
	}
	for _, orphan := range s.Orphans {
		add("orphan", "%s belongs to nothing that is known; look at it, and remove it if it is of no use", orphan)
	}
	if s.Unproven != "" {
		add("unproven", "%s; nothing was deleted or overwritten on its word", s.Unproven)
	}
	if s.SetAside != "" {
		add("set aside", "%s is the old state database, which was damaged", s.SetAside)
	}
	if s.Ledger.JournalErrors > 0 {
		add("ledger", "%d records could not be kept for the next start", s.Ledger.JournalErrors)
	}
	return lines
}
