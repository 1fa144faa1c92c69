#!/bin/sh
# Builds the release executable, with Swift's own libraries linked in where that is possible.
set -eu
. "$(dirname "$0")/common.sh"

build_release
say "Built ${BINARY#"$ROOT/"}"
