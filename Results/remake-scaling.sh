#!/bin/sh
# Remakes Results/scaling.md:
#     RESTORE_DATA=DIR Results/remake-scaling.sh
# Open MPI must be installed. DIR is not read.
set -eu
cd "$(dirname "$0")/.."
. Results/common.sh

{
    cat Results/scaling.head.md
    "$PYTHON" Benchmarks/scaling.py --restore "$BINARY"
    cat Results/scaling.tail.md
} >"$NEW"
cp "$NEW" Results/scaling.md
