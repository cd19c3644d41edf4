package filemail

import "maps"

// Report is what went out: GET /sandbox/report shows it.
type Report struct {
	// Completed is how many transfers were completed, Canceled how many were
	// canceled, and Open how many are neither.
	Completed, Canceled, Open int
	// Mails is how many mails each address would have got.
	Mails map[string]int
}

// Report tells what went out so far. It is a [Report].
func (a *api) Report() any {
	open, err := a.transfers(openDir)
	if err != nil {
		a.Logger.Warn("sandbox: the open transfers cannot be counted", "err", err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	r := a.report
	r.Open, r.Mails = len(open), maps.Clone(a.report.Mails)
	return r
}

// mail counts the mails of a transfer. The caller holds a.mu.
func (a *api) mail(t transfer) {
	for _, to := range t.To {
		a.report.Mails[to]++
	}
}
