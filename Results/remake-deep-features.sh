#!/bin/sh
# Remakes Results/deep-features.md, in five minutes:
#     RESTORE_DATA=DIR Results/remake-deep-features.sh
# DIR holds test/bsd100 and metrics/ as described in Datasets/.
set -eu
cd "$(dirname "$0")/.."
. Results/common.sh

{
    cat Results/deep-features.head.md
    weights sr3-x4
    printf '\n    %s\n\n' "python Benchmarks/deep_features.py"
    "$PYTHON" Benchmarks/deep_features.py --restore "$BINARY"
    cat Results/deep-features.tail.md
} >"$NEW"
cp "$NEW" Results/deep-features.md
