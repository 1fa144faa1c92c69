#!/bin/sh
# Fuzzes the readers of files from strangers; see Tests/Fuzzing/README.md.
#
#   Scripts/fuzz.sh [HARNESS...]     each in turn, for TIME seconds (60) or, if RUNS is set, RUNS executions
#   Scripts/fuzz.sh --short          the decoders in C alone, always the same executions, for `make test`
#   Scripts/fuzz.sh --digest HARNESS the digest of the sources that a harness runs
#
# A finding ends the script with an error; the input lies in .build-fuzz/findings.
set -eu
. "$(dirname "$0")/common.sh"

ALL="png jpeg metadata safetensors checkpoint recipe"
FOLDER=.build-fuzz
HARNESSES=Tests/Fuzzing
PACKAGE_FOLDER=$FOLDER/package
LOGS=$FOLDER/logs
SHORT_RUNS=20000

main() {
    case ${1:-} in
    --digest) digest "$2" && return 0 ;;
    --short) fuzz_short ;;
    *) fuzz "${@:-$ALL}" ;;
    esac
}

fuzz() {
    find_clang || fail "the Swift toolchain has no clang whose sanitizers run here."
    if [ -n "${RUNS:-}" ]; then limit=-runs=$RUNS; else limit=-max_total_time=${TIME:-60}; fi
    make_seeds
    # shellcheck disable=SC2048,SC2086 # a list of words
    for name in $*; do
        build "$name"
        run "$name" "$FOLDER/corpus/$name" "$limit"
    done
}

# The same seed and a fresh corpus: the tests of a change must not depend on luck.
fuzz_short() {
    if ! find_clang; then
        say "Not fuzzing: the Swift toolchain has no clang whose sanitizers run here."
        return 0
    fi
    # Not over the logs of a long run.
    LOGS=$FOLDER/short
    make_seeds
    for name in png jpeg; do
        build "$name"
        rm -rf "$FOLDER/short/$name"
        run "$name" "$FOLDER/short/$name" "-runs=$SHORT_RUNS" -seed=1
    done
}

# --- building ----------------------------------------------------------------------------------

# Sets CLANG to the compiler that comes with Swift; false unless what it makes of a fuzzer runs here.
find_clang() {
    CLANG=$(swift_resources)
    CLANG=${CLANG%/lib/swift}/bin/clang
    [ -x "$CLANG" ] || return 1
    mkdir -p "$FOLDER/bin"
    echo '#include <stddef.h>
int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t count) { return bytes == NULL && count > 0; }' |
        "$CLANG" -x c -fuse-ld=lld -fsanitize=fuzzer,address,undefined -o "$FOLDER/bin/probe" - 2>/dev/null &&
        "$FOLDER/bin/probe" -runs=1 2>/dev/null
}

build() {
    say "Building the harness '$1'"
    case $1 in
    png) build_codec png PNGFuzzer.c PNGMutator.c Checks.c Reading.c ;;
    jpeg) build_codec jpeg JPEGFuzzer.c Checks.c Reading.c ;;
    metadata) build_swift metadata MetadataFuzzer ;;
    safetensors) build_swift safetensors SafetensorsFuzzer ;;
    checkpoint) build_swift checkpoint CheckpointFuzzer ;;
    recipe) build_swift recipe RecipeFuzzer ;;
    *) fail "'$1' is not a harness: use $ALL." ;;
    esac
}

# build_codec NAME SOURCE...: only the codec counts for coverage, not the harness around it.
build_codec() {
    program=$1
    shift
    objects=$FOLDER/objects/$program
    rm -rf "$objects"
    mkdir -p "$objects"
    flags="-std=gnu17 -g -O1 -fno-omit-frame-pointer -fno-sanitize-recover=all -Wall -Wextra -Werror
        -ISources/CImageCodecs/include -I$HARNESSES/Codecs -I$HARNESSES/Sources/CLibFuzzer/include
        $(pkg-config --cflags libpng libjpeg lcms2)"
    for source in "$@"; do
        # shellcheck disable=SC2086 # lists of flags
        "$CLANG" $flags -fsanitize=address,undefined -c "$HARNESSES/Codecs/$source" -o "$objects/$source.o"
    done
    # shellcheck disable=SC2046,SC2086 # lists of flags
    "$CLANG" $flags -fsanitize=fuzzer,address,undefined -fuse-ld=lld \
        Sources/CImageCodecs/*.c "$objects"/*.o $(pkg-config --libs libpng libjpeg lcms2) -lz -o "$FOLDER/bin/$program" ||
        fail "the harness '$program' cannot be built."
}

build_swift() {
    swift build --package-path "$HARNESSES" --scratch-path "$PACKAGE_FOLDER" -c release \
        -Xswiftc -enable-testing --sanitize fuzzer --sanitize address -Xswiftc -sanitize=fuzzer,address --product "$2" ||
        fail "the harness '$1' cannot be built."
    ln -sf "../package/release/$2" "$FOLDER/bin/$1"
}

make_seeds() {
    mkdir -p "$FOLDER/seeds/jpeg"
    python3 "$HARNESSES/make_seeds.py" "$FOLDER/seeds" Recipes
    # shellcheck disable=SC2046 # a list of flags
    "$CLANG" -fuse-ld=lld -Wall -Wextra "$HARNESSES/Codecs/JPEGSeeds.c" $(pkg-config --cflags --libs libjpeg) \
        -o "$FOLDER/bin/jpeg-seeds"
    "$FOLDER/bin/jpeg-seeds" "$FOLDER/seeds/jpeg"
}

# --- running -----------------------------------------------------------------------------------

# run NAME CORPUS OPTION...
run() {
    name=$1
    corpus=$2
    shift 2
    log=$LOGS/$name.log
    mkdir -p "$corpus" "$FOLDER/findings" "$LOGS"
    say "Fuzzing '$name' ($*)"
    status=0
    # A small quarantine keeps freed memory in the cache; the inputs and what is made of them are small.
    # Symbols are wanted in a finding, not the backtrace that Swift would print besides.
    ASAN_OPTIONS=quarantine_size_mb=16 UBSAN_OPTIONS=print_stacktrace=1 SWIFT_BACKTRACE=enable=no \
        ASAN_SYMBOLIZER_PATH=${CLANG%/clang}/llvm-symbolizer \
        "$FOLDER/bin/$name" "$@" -max_len=4096 -timeout=10 -rss_limit_mb=2048 -malloc_limit_mb=256 -reload=0 -print_final_stats=1 \
        -dict="$HARNESSES/Dictionaries/$name.dict" -artifact_prefix="$FOLDER/findings/$name-" \
        "$corpus" "$FOLDER/seeds/$name" >"$log" 2>&1 || status=$?
    printf 'sources: %s\n' "$(digest "$name")" >>"$log"
    if [ "$status" -ne 0 ]; then
        grep -E '^FINDING|ERROR:|runtime error|Fatal error|Test unit written' "$log" >&2 || tail -n 20 "$log" >&2
        fail "fuzzing '$name' ended with a finding; see $log."
    fi
    say "  $(sed -n 's/^Done \(.*\)/\1/p' "$log"), no finding"
}

# What a harness runs, itself included, so that a result can be seen to be stale.
sources() {
    case $1 in
    png | jpeg) set -- "$1" Sources/CImageCodecs Tests/Fuzzing/Codecs ;;
    metadata) set -- "$1" Sources/CImageCodecs Sources/ImageFiles Tests/Fuzzing/Sources/MetadataFuzzer ;;
    safetensors) set -- "$1" Sources/Tensors/Files Tests/Fuzzing/Sources/SafetensorsFuzzer ;;
    checkpoint) set -- "$1" Sources/Tensors/Files Tests/Fuzzing/Sources/CheckpointFuzzer ;;
    recipe) set -- "$1" Sources/Training/Recipe Sources/Diffusion Sources/Degradation \
        Sources/SR3/*.swift Sources/Deblur/*.swift Tests/Fuzzing/Sources/RecipeFuzzer ;;
    *) fail "'$1' is not a harness: use $ALL." ;;
    esac
    shift
    find "$@" -type f \( -name '*.c' -o -name '*.h' -o -name '*.swift' \) | LC_ALL=C sort
}

digest() {
    sources "$1" | xargs cat | sha256sum | cut -c 1-16
}

main "$@"
