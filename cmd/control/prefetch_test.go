package control

import (
	"context"
	"testing"

	"github.com/frugalfs/frugalfs/cache"
	"github.com/frugalfs/frugalfs/remote"
)

func TestPrefetchTellsOfProgress(t *testing.T) {
	m := &fake{}
	var told []cache.PrefetchProgress
	missing, err := start(t, m, 1).Prefetch(t.Context(), "/a folder", func(p cache.PrefetchProgress) { told = append(told, p) })
	if err != nil || len(missing) != 1 || missing[0].Path != "/a folder/a" || m.dir != "/a folder" {
		t.Errorf("%v, %v", missing, err)
	}
	if len(told) != 2 || told[1].FilesHere != 1 {
		t.Errorf("told %v", told)
	}
	m.err = remote.E(remote.NotExist, "lookup", "a folder", nil)
	if _, err := start(t, m, 1).Prefetch(t.Context(), "/", func(cache.PrefetchProgress) {}); !remote.IsKind(err, remote.NotExist) {
		t.Errorf("got %v", err)
	}
}

func TestPrefetchEndsWithItsClient(t *testing.T) {
	m := &fake{waits: true, interrupted: make(chan struct{})}
	ctx, cancel := context.WithCancel(t.Context())
	_, err := start(t, m, 1).Prefetch(ctx, "/", func(p cache.PrefetchProgress) {
		if p.FilesHere == 1 {
			cancel()
		}
	})
	if !remote.IsKind(err, remote.Canceled) {
		t.Errorf("got %v", err)
	}
	<-m.interrupted
}
