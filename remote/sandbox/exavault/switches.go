package exavault

import (
	"github.com/frugalfs/frugalfs/remote/sandbox/dialect"
)

// permissions are those of section "Permissions" of the API's user model.
var permissions = []string{"list", "download", "upload", "modify", "delete"}

// switchTable lists every point on which the documents leave open what the
// real service does. The first value is the default.
var switchTable = []dialect.Switch{
	// Listings.
	{Name: "page-cap", Default: "none", Values: []string{"none", "N"}, Check: dialect.NumberOr("none"),
		Help: "the most entries that a page of /resources/list has (pages of /resources/list/{id} never have more than 100)"},
	{Name: "over-cap", Default: "clamp", Values: []string{"clamp", "400"},
		Help: "what a limit above the cap does: shorter pages, or an error"},
	{Name: "default-limit", Default: "50", Values: []string{"N", "none"}, Check: dialect.NumberOr("none"),
		Help: "the page size if none is asked for"},
	{Name: "default-order", Default: "name", Values: []string{"name", "id", "newest", "path"},
		Help: "the order of listings and searches if no sort is asked for"},
	{Name: "totals", Default: "right", Values: []string{"right", "zero", "missing"},
		Help: "totalResults of listings"},
	{Name: "returned", Default: "right", Values: []string{"right", "missing"},
		Help: "returnedResults of listings"},
	{Name: "search", Default: "on", Values: []string{"on", "400", "flat"},
		Help: "whether name= searches the tree, is an error, or filters the folder's own entries"},
	{Name: "list-file", Default: "400", Values: []string{"400", "404"},
		Help: "the status of listing a file"},
	{Name: "slashless", Default: "accept", Values: []string{"accept", "400"},
		Help: "whether a path without a leading slash is understood"},
	// Names that are taken.
	{Name: "mkdir-existing", Default: "400", Values: []string{"400", "existing", "rename"},
		Help: "making a folder whose name is taken: an error, the folder that is there, or another name"},
	{Name: "rename-taken", Default: "400", Values: []string{"400", "rename"},
		Help: "renaming to a name that is taken: an error, or another name"},
	{Name: "move-taken", Default: "400", Values: []string{"400", "rename", "replace"},
		Help: "moving to where the name is taken"},
	{Name: "copy-taken", Default: "rename", Values: []string{"rename", "400", "replace"},
		Help: "copying to where the name is taken"},
	{Name: "upload-keeps-id", Default: "yes", Values: []string{"yes", "no"},
		Help: "whether an overwritten file keeps id, hash and createdAt"},
	{Name: "upload-parents", Default: "yes", Values: []string{"yes", "404"},
		Help: "whether an upload makes missing folders"},
	{Name: "rename-touches-updatedAt", Default: "yes", Values: []string{"yes", "no"},
		Help: "whether a rename or move changes the object's updatedAt"},
	// Batches and archives.
	{Name: "batch-status", Default: "207", Values: []string{"207", "200"},
		Help: "the status of a batch in which all went well"},
	{Name: "batch-order", Default: "request", Values: []string{"request", "reverse"},
		Help: "the order of a batch's responses"},
	{Name: "batch-errors", Default: "null", Values: []string{"null", "full"},
		Help: "whether the error of an item has null in code and detail, as in the published examples, or words"},
	{Name: "range", Default: "on", Values: []string{"on", "off"},
		Help: "whether downloads honour the Range header"},
	{Name: "zip-layout", Default: "relative", Values: []string{"relative", "bare"},
		Help: "names in a zip of several resources: relative to the deepest folder they share, or base names"},
	{Name: "download-missing", Default: "404", Values: []string{"404", "partial"},
		Help: "a missing one of several resources to download: an error, or a zip of the others"},
	{Name: "extract", Default: "overwrite", Values: []string{"overwrite", "refuse", "rename"},
		Help: "what extracting does with files that are there"},
	{Name: "extract-lists", Default: "top", Values: []string{"top", "all", "none"},
		Help: "which extracted resources the answer lists"},
	{Name: "extract-parents", Default: "404", Values: []string{"404", "yes"},
		Help: "whether extracting makes a missing target folder"},
	// The activity log and webhooks.
	{Name: "activity", Default: "open", Values: []string{"open", "forbidden"},
		Help: "whether the user may read the activity log"},
	{Name: "activity-lag", Default: "0s", Values: []string{"a duration"}, Check: dialect.IsDuration,
		Help: "how long it takes for an entry to show in the log"},
	{Name: "activity-empty", Default: "list", Values: []string{"list", "400"},
		Help: "a range without entries: an empty list, or an error about the end date"},
	{Name: "activity-parents", Default: "no", Values: []string{"no", "yes"},
		Help: "whether folders that an upload made have entries"},
	{Name: "activity-failures", Default: "no", Values: []string{"no", "yes"},
		Help: "whether refused operations have entries, with status failed"},
	{Name: "webhook-data", Default: "array", Values: []string{"array", "object"},
		Help: "whether data of a single webhook is an array of one, as in the schema, or an object, as in the examples"},
	// The user.
	{Name: "deny", Default: "none", Values: append([]string{"none"}, permissions...), Check: dialect.ListOf(permissions...),
		Help: "permissions that the user lacks, joined with +"},
}
