package unzip

import (
	"hash/crc32"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func crc(text string) uint32 { return crc32.ChecksumIEEE([]byte(text)) }
