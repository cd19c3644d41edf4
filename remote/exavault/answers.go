package exavault

import (
	"encoding/json"
	"math"

	"github.com/frugalfs/frugalfs/remote"
	"github.com/frugalfs/frugalfs/remote/clientkit"
)

// extracted gathers the objects of an answer to Extract, as far as they can be
// used: it need not be all of them.
type extracted struct{ objects []remote.Object }

// maxExtracted is how many objects of such an answer are kept.
const maxExtracted = 100_000

func (e *extracted) element(dec *json.Decoder) error {
	var r resource
	if err := clientkit.Lenient(dec.Decode(&r)); err != nil {
		return eofIsShort(err)
	}
	if o, f := r.object(""); f == noFault && len(e.objects) < maxExtracted {
		e.objects = append(e.objects, o)
	}
	return nil
}

func (k call) quota(a *answer) (remote.Quota, error) {
	var account struct {
		Attributes struct {
			Quota struct {
				DiskLimit         clientkit.Number `json:"diskLimit"`
				DiskUsed          clientkit.Number `json:"diskUsed"`
				TransactionsLimit clientkit.Number `json:"transactionsLimit"`
			} `json:"quota"`
		} `json:"attributes"`
	}
	if err := clientkit.Lenient(json.Unmarshal(a.Data, &account)); err != nil {
		return remote.Quota{}, k.corrupt(a.http, "the answer does not describe an account", err)
	}
	q := account.Attributes.Quota
	return remote.Quota{
		Limit: known(q.DiskLimit), Used: known(q.DiskUsed),
		Transactions: int(min(max(q.TransactionsLimit.N, 0), math.MaxInt32)),
	}, nil
}

// known returns a count of bytes, -1 if it was not told.
func known(n clientkit.Number) int64 {
	if !n.OK || n.N < 0 {
		return -1
	}
	return n.N
}
