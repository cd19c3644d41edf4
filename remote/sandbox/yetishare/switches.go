package yetishare

import "github.com/frugalfs/frugalfs/remote/sandbox/dialect"

// switchTable lists every point on which the documentation leaves open what a
// site does, or sites differ. The first value is the default.
var switchTable = []dialect.Switch{
	// Answers.
	{Name: "error-shape", Default: "new", Values: []string{"new", "old", "message", "success"},
		Help: "errors as _status and response, status and response, message and result, or success and message"},
	{Name: "numbers", Default: "strings", Values: []string{"strings", "numbers"},
		Help: "whether ids and sizes are strings or numbers"},
	{Name: "lists", Default: "array", Values: []string{"array", "object"},
		Help: "whether lists are arrays, or objects as the script's language makes of some"},
	{Name: "content-type", Default: "json", Values: []string{"json", "html"},
		Help: "what answers of the API say that they are"},
	{Name: "records", Default: "full", Values: []string{"full", "short"},
		Help: "whether file/info and file/edit answer the whole record, or little more than the id"},
	{Name: "dates", Default: "none", Values: []string{"none", "sent"},
		Help: "whether files have dates"},
	{Name: "zone", Default: "0s", Values: []string{"a duration"}, Check: dialect.IsDuration,
		Help: "how far the site's time is ahead of UTC"},
	{Name: "numbering", Default: "separate", Values: []string{"separate", "shared"},
		Help: "whether files and folders are numbered each for themselves, so that a file and a folder may have one number"},
	// Signing in.
	{Name: "expired", Default: "sentence", Values: []string{"sentence", "short", "user", "name", "401", "other"},
		Help: "how a token is refused"},
	{Name: "token-life", Default: "1h", Values: []string{"a duration"}, Check: dialect.IsDuration,
		Help: "how long a token lives without a request"},
	// Names and places.
	{Name: "duplicates", Default: "kept", Values: []string{"kept", "renamed"},
		Help: "an upload to a name that is taken: a second file of that name, or another name"},
	{Name: "dots", Default: "kept", Values: []string{"kept", "dropped"},
		Help: "whether an upload drops the dot that begins a name"},
	{Name: "upload-name", Default: "stored", Values: []string{"stored", "asked"},
		Help: "which name the answer to an upload has, where they differ"},
	{Name: "bad-parent", Default: "error", Values: []string{"error", "root"},
		Help: "what is put into a folder that is not there: an error, or it goes to the root"},
	{Name: "list-missing", Default: "error", Values: []string{"error", "empty"},
		Help: "how a folder is listed that is not there"},
	{Name: "folder-delete", Default: "recursive", Values: []string{"recursive", "root"},
		Help: "what becomes of what is in a deleted folder: it goes with it, or to the root"},
	{Name: "removed", Default: "hidden", Values: []string{"hidden", "shown"},
		Help: "whether removed files still have a record, also in listings"},
	{Name: "file-move", Default: "no", Values: []string{"no", "404", "yes"},
		Help: "whether there is file/move; if not, an error or status 404"},
	{Name: "file-copy", Default: "no", Values: []string{"no", "404", "yes"},
		Help: "whether there is file/copy; if not, an error or status 404"},
	// Content.
	{Name: "upload-errors", Default: "envelope", Values: []string{"envelope", "record"},
		Help: "whether an upload that is too large is an error, or a success with an error in its record"},
	{Name: "max-upload", Default: "none", Values: []string{"none", "N"}, Check: dialect.NumberOr("none"),
		Help: "the largest file in bytes"},
	{Name: "hash", Default: "md5", Values: []string{"md5", "other", "missing"},
		Help: "what the hash in the answer to an upload is"},
	{Name: "range", Default: "on", Values: []string{"on", "off"},
		Help: "whether downloads honour the Range header"},
	{Name: "link-life", Default: "15m", Values: []string{"a duration"}, Check: dialect.IsDuration,
		Help: "how long the address of a file's content lives; then it leads to a page"},
	{Name: "no-link", Default: "not-found", Values: []string{"not-found", "no-url"},
		Help: "how the address of a removed file is refused"},
	{Name: "downloads", Default: "none", Values: []string{"none", "N"}, Check: dialect.NumberOr("none"),
		Help: "the most downloads at once; more get status 503"},
}
