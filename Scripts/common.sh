# Shared by the other scripts, which read it with `.`; it leaves them in the root of the checkout.
# shellcheck shell=sh disable=SC2034

cd "$(dirname "$0")/.." || exit 1
ROOT=$(pwd)
DEPS=$ROOT/.deps
VENV=$DEPS/venv

# The tests are built with other compiler flags than the release, so they get a build folder of
# their own: going from `make demo` to `make test` and back rebuilds nothing.
RELEASE_FOLDER=.build
TEST_FOLDER=.build-test

# The library over libtorch, which restore opens when it needs tensors.
ENGINE_NAME=librestore-torch.so

say() { printf '%s\n' "$*"; }

fail() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

# Whether the folder $1 holds the headers and libraries that Package.swift asks of libtorch.
is_libtorch() {
    [ -f "$1/include/ATen/ATen.h" ] &&
        [ -f "$1/include/torch/csrc/api/include/torch/torch.h" ] &&
        [ -f "$1/lib/libtorch_cpu.so" ] &&
        [ -f "$1/lib/libc10.so" ]
}

# The toolchain's folder of Swift libraries, usr/lib/swift.
swift_resources() {
    swiftc -print-target-info 2>/dev/null | sed -n 's/.*"runtimeResourcePath": "\(.*\)".*/\1/p'
}

# `--static-swift-stdlib` where the toolchain has the static libraries, otherwise nothing.
static_flag() {
    resources=$(swift_resources)
    if [ -f "${resources}_static/linux/static-stdlib-args.lnk" ]; then
        echo --static-swift-stdlib
    fi
}

# Builds the release executable and the library over libtorch that it opens, and sets BINARY and ENGINE.
build_release() {
    flag=$(static_flag)
    # The library first: without libtorch it fails at once, with one sentence.
    for product in restore-torch restore; do
        # shellcheck disable=SC2086 # an empty flag must vanish
        swift build -c release $flag --scratch-path "$RELEASE_FOLDER" --product "$product" ||
            fail "the release build failed; the compiler's messages above say where."
    done
    find_release || fail "the build made no restore executable and library in $RELEASE_FOLDER/release."
}

# Sets BINARY to the release executable and ENGINE to its library; false if they are not there yet.
find_release() {
    BINARY=$ROOT/$RELEASE_FOLDER/release/restore
    ENGINE=$ROOT/$RELEASE_FOLDER/release/$ENGINE_NAME
    [ -x "$BINARY" ] && [ -f "$ENGINE" ]
}
