#!/bin/sh
# Builds everything once, optimised but testable, and runs every test. The command-line tests run
# the `restore` executable that lies in the same build folder. Before that, the decoders are fuzzed a little.
set -eu
. "$(dirname "$0")/common.sh"

# Some tests compare with other programs or run under them and are skipped where those are missing: installing them
# is tried, where it can be done without asking, and its failure is no failure of the tests.
install_test_programs() {
    packages=""
    have pngtopam || packages="$packages netpbm"
    { have cjpeg && have djpeg; } || packages="$packages libjpeg-turbo-progs"
    # Ranks that work together are tested under an MPI, which is opened when the program runs.
    have mpirun || packages="$packages openmpi-bin"
    if [ -z "$packages" ] || ! have apt-get || [ "$(id -u)" -ne 0 ]; then return 0; fi
    say "Installing$packages, which tests use"
    export DEBIAN_FRONTEND=noninteractive
    # shellcheck disable=SC2086 # a list of words
    {
        timeout 120 apt-get update -qq &&
            timeout 300 apt-get install -y -qq --no-install-recommends $packages
    } </dev/null >/dev/null 2>&1 ||
        say "They could not be installed: the tests that need them are skipped."
}

install_test_programs
"$ROOT/Scripts/fuzz.sh" --short
# Opened at run time by what is tested, which SwiftPM cannot be told.
swift build -c release -Xswiftc -enable-testing --scratch-path "$TEST_FOLDER" --product restore-torch ||
    fail "the library over libtorch cannot be built; the compiler's messages above say why."
exec swift test -c release -Xswiftc -enable-testing --scratch-path "$TEST_FOLDER"
