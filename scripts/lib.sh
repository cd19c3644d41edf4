# Shared by the scripts here; to be sourced by bash.

# root is the top of the checkout.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

say() { printf '\n== %s\n' "$*"; }

die() {
	printf '%s: %s\n' "$(basename "$0")" "$*" >&2
	exit 1
}

# Go may be installed without being in PATH.
if ! command -v go >/dev/null && [ -x /usr/local/go/bin/go ]; then
	PATH=$PATH:/usr/local/go/bin
fi

# need_go checks for a Go that can build this module. An older one fetches the
# version that go.mod names by itself.
need_go() {
	command -v go >/dev/null || die "Go is missing: run ./scripts/setup"
	export GOTOOLCHAIN="${GOTOOLCHAIN:-auto}"
	go version >/dev/null || die "the Go here cannot build this module: install the version that go.mod names"
}

# tool NAME prints the path of a development tool, building it at its first use.
tool() { go -C "$root/scripts/tools" tool -n "$1"; }
