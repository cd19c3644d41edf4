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

# need_go makes sure that there is a Go that can build this module. One of 1.21 or
# later fetches the version that go.mod names by itself; Debian's may be older, and
# is only used to fetch that version as the module that it is published as.
need_go() {
	command -v go >/dev/null || die "Go is missing: run ./scripts/setup"
	export GOTOOLCHAIN="${GOTOOLCHAIN:-auto}"
	case "$(go version)" in
	*" go1.1"[0-9]* | *" go1.20"* | *" go1."[0-9].* | *" go1."[0-9]" "*) fetch_go ;;
	esac
	go version >/dev/null || die "the Go here cannot build this module: install the version that go.mod names"
}

# fetch_go puts the Go that go.mod names first in PATH.
fetch_go() {
	local version dir empty
	version=$(sed -n 's/^go //p' "$root/go.mod")
	say "fetching Go $version"
	empty=$(mktemp -d) # away from go.mod, which an old Go does not understand
	dir=$(cd "$empty" && GOFLAGS=-modcacherw go mod download -json \
		"golang.org/toolchain@v0.0.1-go$version.$(go env GOOS)-$(go env GOARCH)" | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')
	rmdir "$empty"
	[ -x "$dir/bin/go" ] || chmod -R a+x "$dir/bin" "$dir/pkg/tool" || die "Go $version could not be fetched"
	PATH=$dir/bin:$PATH
}

# tool NAME prints the path of a development tool, building it at its first use.
tool() { go -C "$root/scripts/tools" tool -n "$1"; }
