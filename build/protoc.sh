#!/bin/sh
# The `protoc` that etcd-client's build script calls (see .cargo/config.toml): the one on PATH if there is one,
# else the one inside the Cargo package `protoc-bin-vendored-<os>-<arch>`, fetched on first use.
set -eu
if command -v protoc >/dev/null 2>&1; then
    exec protoc "$@"
fi
here=$(cd "$(dirname "$0")" && pwd)
case "$(uname -s)-$(uname -m)" in
    Linux-x86_64) platform=linux-x86_64 ;;
    Linux-aarch64) platform=linux-aarch_64 ;;
    Darwin-x86_64) platform=macos-x86_64 ;;
    Darwin-arm64) platform=macos-aarch_64 ;;
    *) echo "no packaged protoc for $(uname -sm): install protobuf-compiler, or set PROTOC" >&2; exit 1 ;;
esac
packaged() {
    for candidate in "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*/protoc-bin-vendored-"$platform"-3.*/bin/protoc; do
        [ -f "$candidate" ] && { echo "$candidate"; return 0; }
    done
    return 1
}
if ! protoc=$(packaged); then
    "${CARGO:-cargo}" fetch --quiet --locked --manifest-path "$here/protoc/$platform/Cargo.toml" >&2
    protoc=$(packaged) || { echo "protoc was not found in the fetched package: install protobuf-compiler, or set PROTOC" >&2; exit 1; }
fi
exec "$protoc" -I "$(dirname "$protoc")/../include" "$@"
