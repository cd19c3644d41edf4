package remote

import (
	"context"
	"io"
	"time"
)

// Draft is a folder of files that a [Sender] mails to people as one whole.
type Draft struct {
	// Name is the name of the folder, which the recipients read as the
	// subject.
	Name string
	// To are the recipients' addresses, one each, without names.
	To []string
	// Message is what they read beside the subject; it may be empty.
	Message string
	// Files are what is sent: at least one.
	Files []DraftFile
	// State is what Checkpoint was last given by an earlier, interrupted
	// attempt to send this draft; nil if there was none. It holds a secret, and
	// belongs on disk only where nobody else reads it.
	State []byte
	// Checkpoint must have made state durable when it returns: whoever does not
	// hand it back in State may send everything twice. It is called before the
	// first byte leaves, again before the call that cannot be undone, and with
	// nil once an attempt was abandoned and leaves nothing behind. An error ends
	// the attempt. It may be nil if the draft is never sent again.
	Checkpoint func(state []byte) error
	// Progress, if not nil, is called with the number of bytes handed to the
	// network so far, from several goroutines.
	Progress func(sent int64)
}

// DraftFile is one file of a Draft.
type DraftFile struct {
	// Path is where it is in the folder, without a slash at the start; "/"
	// separates sub-folders from what is in them.
	Path string
	// Size is the exact number of bytes in Content.
	Size int64
	// Content is read from 0 to Size by several goroutines at once, perhaps
	// more than once, and never after SendFolder returned.
	Content io.ReaderAt
	// ModTime tells whether the file is still the one of an earlier attempt.
	ModTime time.Time
}

// Boxes are the folders at the root of an account that mails folders of files.
// What is directly in one is such a folder, a transfer.
type Boxes struct {
	// Drafts is the name of the box of what is not sent yet: the provider knows
	// nothing of what is in it. Sent and Received are those of what was.
	Drafts, Sent, Received string
	// Deletes is true if what was sent may be deleted. It is taken from those
	// who received it, too.
	Deletes bool
}

// Sender sends folders to people. It cannot be undone, so it happens when a
// person asks for it, and never by the way.
type Sender interface {
	// Boxes tells what the account's folders are for. It makes no request.
	Boxes() Boxes

	// ListTransfer is [TreeLister].ListTree for a transfer that was sent or
	// received, folders before what is in them. One transaction.
	ListTransfer(ctx context.Context, transfer Ref, page func([]Object) error) (Listing, error)

	// CheckDraft refuses a draft that SendFolder would refuse before it asks
	// the provider for anything. It makes no request, and reads no content.
	CheckDraft(d Draft) error

	// SendFolder stores all files of a draft, has the provider check them, and
	// only then lets it mail the recipients, once. It returns the folder, and the
	// files and folders in it, as they show at the provider.
	//
	// An error that is not Unknown means that nobody got anything; what was
	// stored is removed, or used again by the next attempt when ctx ended. With
	// Unknown set it must be called again with the last state, which first finds
	// out what became of it. An error of kind Conflict means that this cannot be
	// found out any more: a person has to decide.
	SendFolder(ctx context.Context, d Draft) (Object, []Object, error)
}
