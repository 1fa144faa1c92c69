#!/bin/sh
# Builds everything once, optimised but testable, and runs every test. The command-line tests run
# the `restore` executable that lies in the same build folder.
set -eu
. "$(dirname "$0")/common.sh"

exec swift test -c release -Xswiftc -enable-testing --scratch-path "$TEST_FOLDER"
