package exavault

import (
	"crypto/md5" //nolint:gosec // the published signature is an MD5
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/clientkit"
)

// signatureHeader carries the signature of a delivery (the reference, "Comparing
// the Signature").
const signatureHeader = "X-Exavault-Signature"

// hookOps are the operations of deliveries, in lower case, of either version of
// the messages (the reference, "Webhooks", "Triggers").
var hookOps = map[string]remote.ChangeOp{
	"upload":        remote.Changed,
	"compress":      remote.Changed,
	"delete":        remote.Deleted,
	"create folder": remote.MadeDir,
	"createfolder":  remote.MadeDir,
	"rename":        remote.Moved,
	"move":          remote.Moved,
	"copy":          remote.Copied,
	"extract":       remote.Unpacked,
}

// delivery is a message of either version; encoding/json does not tell
// "accountname" from "accountName".
type delivery struct {
	Username   clientkit.Text `json:"username"`
	Operation  clientkit.Text `json:"operation"`
	Path       clientkit.Text `json:"path"`
	SourcePath clientkit.Text `json:"sourcepath"`

	Event     clientkit.Text `json:"event"`
	Timestamp clientkit.Text `json:"eventTimestamp"`
	Data      *struct {
		Resources []struct {
			Path clientkit.Text `json:"path"`
		} `json:"resources"`
		Status clientkit.Text `json:"transferStatus"`
	} `json:"eventData"`
}

var _ remote.HookReader = (*Client)(nil)

// ReadHook checks and reads one delivery. The signature is the MD5 of the
// webhook's token and the body as it was sent. Messages of version 2 name no old
// path for what was moved; those of version 1 do.
func (c *Client) ReadHook(secret string, r *http.Request, body []byte) ([]remote.Change, error) {
	if !signed(secret, r.Header.Get(signatureHeader), body) {
		return nil, &remote.Error{Kind: remote.Permission, Op: "read a webhook", Detail: "the signature is wrong"}
	}
	var d delivery
	if err := clientkit.Lenient(json.Unmarshal(body, &d)); err != nil {
		return nil, remote.E(remote.Corrupt, "read a webhook", "", fmt.Errorf("the message is not understood: %w", err))
	}
	switch {
	case d.Event.S != "":
		return d.second(), nil
	case d.Operation.S != "":
		return d.first(), nil
	}
	return nil, &remote.Error{Kind: remote.Corrupt, Op: "read a webhook", Detail: "the message names no operation"}
}

// signed tells whether a signature is right. Without a secret none is.
func signed(secret, signature string, body []byte) bool {
	want := signatureOf(secret, body)
	return subtle.ConstantTimeCompare([]byte(want), []byte(signature)) == 1 && secret != ""
}

func signatureOf(secret string, body []byte) string {
	sum := md5.Sum(append([]byte(secret), body...)) //nolint:gosec // as published
	return hex.EncodeToString(sum[:])
}

// first reads a message of version 1.
func (d *delivery) first() []remote.Change {
	ch := remote.Change{
		Op:   hookOps[strings.ToLower(d.Operation.S)],
		Path: feedPath(d.Path.S), From: feedPath(d.SourcePath.S), User: clientkit.Clean(d.Username.S),
	}
	return changesOf(ch)
}

// second reads a message of version 2.
func (d *delivery) second() (all []remote.Change) {
	if d.Data == nil || clientkit.Says(d.Data.Status.S, "fail", "error", "denied", "abort") {
		return nil
	}
	at, _ := parseTime(d.Timestamp.S)
	op := hookOps[strings.ToLower(strings.TrimPrefix(d.Event.S, "resources."))]
	for _, r := range d.Data.Resources {
		all = append(all, changesOf(remote.Change{Op: op, Path: feedPath(r.Path.S), At: at, User: clientkit.Clean(d.Username.S)})...)
	}
	return all
}

// changesOf is a change, if it is one of content or place.
func changesOf(ch remote.Change) []remote.Change {
	if ch.Op == 0 || ch.Path == "" {
		return nil
	}
	if ch.Op != remote.Moved && ch.Op != remote.Copied {
		ch.From = ""
	}
	return []remote.Change{ch}
}
