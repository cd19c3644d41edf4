package filemail

import "github.com/frugalfs/frugalfs/remote/sandbox/dialect"

// switchTable lists every point on which the documents leave open what the real
// service does. The first value is the default.
var switchTable = []dialect.Switch{
	{Name: "errors", Default: "documented", Values: []string{"documented", "named"},
		Help: "how the classic API fails: responsestatus error with status 200, or the error's name with another status"},
	{Name: "numbers", Default: "number", Values: []string{"number", "string"},
		Help: "whether numbers in answers are numbers or strings"},
	{Name: "dates", Default: "seconds", Values: []string{"seconds", "milliseconds"},
		Help: "how dates are written"},
	{Name: "slash", Default: "no", Values: []string{"no", "yes"},
		Help: "whether file names begin with a slash"},
	{Name: "details", Default: "boxed", Values: []string{"boxed", "bare"},
		Help: "whether API 2.0 puts the details of a transfer into an object of their own"},
	{Name: "status", Default: "known", Values: []string{"known", "odd", "missing"},
		Help: "the status of a transfer that is not complete: one that says so, another word, or none"},
	// Lists.
	{Name: "paging", Default: "yes", Values: []string{"yes", "no"},
		Help: "whether lists know limit and skip"},
	{Name: "page-cap", Default: "1000", Values: []string{"N"}, Check: dialect.NumberOr(),
		Help: "the most entries of a page, whatever is asked for"},
	{Name: "inbox-from", Default: "any", Values: []string{"any", "90days"},
		Help: "how far back the inbox of API 2.0 may be asked for; the classic one goes back 90 days"},
	{Name: "list-open", Default: "no", Values: []string{"no", "yes"},
		Help: "whether the list of sent transfers has those that are not complete"},
	{Name: "files-cap", Default: "100000", Values: []string{"N"}, Check: dialect.NumberOr(),
		Help: "the most files that the details of a transfer tell"},
	{Name: "details-open", Default: "yes", Values: []string{"yes", "incomplete", "missing"},
		Help: "the details of a transfer that is not complete: told, error 4003, or not found"},
	// Sending.
	{Name: "repeat", Default: "replace", Values: []string{"replace", "duplicate"},
		Help: "what storing a file again with the same fileid does"},
	{Name: "complete-twice", Default: "refuse", Values: []string{"refuse", "mail"},
		Help: "completing a complete transfer: an error, or all mails once more"},
	{Name: "busy", Default: "0", Values: []string{"N"}, Check: isCount,
		Help: "how many requests to the file server are answered with 449 before one is taken"},
	// Downloads.
	{Name: "link-life", Default: "0s", Values: []string{"a duration"}, Check: dialect.IsDuration,
		Help: "how long the address of a file is good, 0s for ever"},
	{Name: "link-refused", Default: "403", Values: []string{"403", "410", "page"},
		Help: "what an address that is no longer good answers"},
	{Name: "range", Default: "on", Values: []string{"on", "off"},
		Help: "whether downloads honour the Range header"},
	// Changes.
	{Name: "rename-tells", Default: "yes", Values: []string{"yes", "no"},
		Help: "whether a file's new name is in the answer to its rename"},
	// Sign-in.
	{Name: "token-life", Default: "0s", Values: []string{"a duration"}, Check: dialect.IsDuration,
		Help: "how long a token is good, 0s for ever"},
	{Name: "sign-in", Default: "password", Values: []string{"password", "captcha", "second-factor", "sso"},
		Help: "what a sign-in with the right password takes beside"},
}
