#!/bin/sh
# Checks the formatting of all Swift code; any finding is an error.
set -eu
. "$(dirname "$0")/common.sh"

swift format lint --strict --parallel --recursive Sources Tests Package.swift Benchmarks/*.swift Benchmarks/*/ ||
    fail "swift format found the above; 'swift format -i -r Sources Tests Package.swift' mends most of it."
