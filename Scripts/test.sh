#!/bin/sh
# Builds everything once, optimised but testable, and runs every test. The command-line tests run
# the `restore` executable that lies in the same build folder. Before that, the decoders are fuzzed a little.
set -eu
. "$(dirname "$0")/common.sh"

"$ROOT/Scripts/fuzz.sh" --short
exec swift test -c release -Xswiftc -enable-testing --scratch-path "$TEST_FOLDER"
