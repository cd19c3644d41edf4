package yetishare

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/frugalfs/frugalfs/remote/clientkit"
)

// answer is every JSON answer of the API. Which of the members it has depends on
// the version of the script, and on the call.
type answer struct {
	// Status and Old are "success" or "error": the documentation's text has
	// "_status", its sample of an error "status".
	Status clientkit.Text `json:"_status"`
	Old    clientkit.Text `json:"status"`
	// Response is a sentence, and all there is to tell one error from another.
	Response clientkit.Text `json:"response"`
	// Message, Result and Success are how some calls of some versions fail.
	Message  clientkit.Text  `json:"message"`
	Result   clientkit.Flag  `json:"result"`
	Success  clientkit.Flag  `json:"success"`
	Data     json.RawMessage `json:"data"`
	Datetime clientkit.Text  `json:"_datetime"`
	// NewFile is what file/copy answers in the place of Data.
	NewFile struct {
		Data json.RawMessage `json:"data"`
	} `json:"new_file"`
}

// good tells whether the answer is a success: only if it says so.
func (a *answer) good() bool {
	return strings.EqualFold(a.Status.S, "success") && !strings.EqualFold(a.Old.S, "error") &&
		(!a.Result.OK || a.Result.Yes) && (!a.Success.OK || a.Success.Yes)
}

// sentence is what the answer says about an error.
func (a *answer) sentence() string {
	if a.Response.S != "" {
		return clientkit.Clean(a.Response.S)
	}
	return clientkit.Clean(a.Message.S)
}

// label is a string that some sites send as a number if it looks like one.
type label struct {
	s  string
	ok bool
}

// UnmarshalJSON never fails: what is neither is not there.
func (v *label) UnmarshalJSON(b []byte) error {
	var t clientkit.Text
	_ = t.UnmarshalJSON(b) // never fails
	*v = label{t.S, t.OK}
	if b[0] == '-' || b[0] >= '0' && b[0] <= '9' {
		*v = label{string(b), true}
	}
	return nil
}

// parent is the number of the folder that holds an object: null, blank or 0 for
// the account's root. told is false if there is no such member.
type parent struct {
	id   int64
	told bool
}

// UnmarshalJSON never fails: what makes no sense is not there.
func (v *parent) UnmarshalJSON(b []byte) error {
	*v = parent{}
	if s := string(b); s == "null" || s == `""` {
		v.told = true
		return nil
	}
	var n clientkit.Number
	_ = n.UnmarshalJSON(b) // never fails
	*v = parent{n.N, n.OK && n.N >= 0}
	return nil
}

// is tells whether the folder is, as far as is told, the one with this number.
func (v parent) is(id int64) bool { return !v.told || v.id == id }

// handle names the folder as an object's ParentID; "" if it is not told or is
// the account's root.
func (v parent) handle() string { return handle{dir: true, id: v.id}.String() }

// file is a file record.
type file struct {
	ID       clientkit.Number `json:"id"`
	Name     label            `json:"filename"`
	Type     clientkit.Text   `json:"fileType"`
	Size     clientkit.Number `json:"fileSize"`
	StatusID clientkit.Number `json:"statusId"`
	Status   clientkit.Text   `json:"file_status"` // newer sites
	Folder   parent           `json:"folderId"`
	Added    clientkit.Text   `json:"date_added"` // newer sites
	Updated  clientkit.Text   `json:"date_updated"`
}

// active tells whether the file is there: records of removed files may still be
// answered and listed.
func (f *file) active() bool {
	return (!f.StatusID.OK || f.StatusID.N == statusActive) && (f.Status.S == "" || strings.EqualFold(f.Status.S, "active"))
}

// statusActive is the statusId of a file that is not removed.
const statusActive = 1

// whole tells whether the record has all that describes a file.
func (f *file) whole() bool { return f.ID.OK && f.ID.N > 0 && f.Name.ok && f.Size.OK && f.Size.N >= 0 }

// emptyType marks a file of one byte that stands for one without content.
const emptyType = "application/x-frugalfs-empty"

// handle is the file's; its size is the one shown.
func (f *file) handle() handle {
	if f.Size.N == 1 && strings.EqualFold(f.Type.S, emptyType) {
		return handle{id: f.ID.N}
	}
	return handle{id: f.ID.N, size: f.Size.N}
}

// folder is a folder record.
type folder struct {
	ID      clientkit.Number `json:"id"`
	Name    label            `json:"folderName"`
	Parent  parent           `json:"parentId"`
	Added   clientkit.Text   `json:"date_added"`
	Updated clientkit.Text   `json:"date_updated"`
}

func (f *folder) whole() bool { return f.ID.OK && f.ID.N > 0 && f.Name.ok }

// records are a list. The script's language writes one whose elements are not
// numbered in order as an object.
type records[T any] struct {
	list []T
	ok   bool
}

// UnmarshalJSON never fails: what is no list is not there. null is an empty one.
func (r *records[T]) UnmarshalJSON(b []byte) error {
	*r = records[T]{}
	switch b[0] {
	case 'n':
		r.ok = true
	case '[':
		r.ok = clientkit.Lenient(json.Unmarshal(b, &r.list)) == nil
	case '{':
		var byKey map[string]T
		r.ok = clientkit.Lenient(json.Unmarshal(b, &byKey)) == nil
		for _, v := range byKey {
			r.list = append(r.list, v)
		}
	}
	return nil
}

// contents are what folder/listing answers.
type contents struct {
	Folders records[folder] `json:"folders"`
	Files   records[file]   `json:"files"`
}

// upload is an upload record ("File Upload"). An answer may be a success while
// Error says why the file was not stored.
type upload struct {
	ID    clientkit.Number `json:"file_id"`
	Name  label            `json:"name"`
	Size  clientkit.Number `json:"size"`
	Type  clientkit.Text   `json:"type"`
	Error clientkit.Text   `json:"error"`
	Hash  clientkit.Text   `json:"hash"`
}

// link is what file/download answers.
type link struct {
	ID   clientkit.Number `json:"file_id"`
	Name label            `json:"filename"`
	URL  clientkit.Text   `json:"download_url"`
}

// pack is what account/package answers; "0" means no limit.
type pack struct {
	CanUpload           clientkit.Flag   `json:"can_upload"`
	MaxUploadSize       clientkit.Number `json:"max_upload_size"`
	MaxStorage          clientkit.Number `json:"max_storage_bytes"`
	ConcurrentDownloads clientkit.Number `json:"concurrent_downloads"`
}

// decode reads an answer's data into v; false if it is nothing of the kind.
func decode(data json.RawMessage, v any) bool {
	return len(bytes.TrimSpace(data)) > 0 && data[0] == '{' && clientkit.Lenient(json.Unmarshal(data, v)) == nil
}
