#!/bin/sh
# Remakes Results/files.md:
#     RESTORE_DATA=DIR Results/remake-files.sh
# DIR holds train/wallpapers as described in Datasets/.
set -eu
cd "$(dirname "$0")/.."
. Results/common.sh

{
    cat Results/files.head.md
    printf '\n    %s\n\n' "python Benchmarks/tiles.py"
    "$PYTHON" Benchmarks/tiles.py --restore "$RESTORE"
    printf '\n## Time and memory\n\nWanted: 24 MP within 2 GB, at most 1.15 of the time a pixel at 1 MP; 100 MP within 4 GB.\n'
    printf '\n    %s\n\n' "python Benchmarks/large.py"
    "$PYTHON" Benchmarks/large.py --restore "$RESTORE"
    cat Results/files.tail.md
} >"$NEW"
cp "$NEW" Results/files.md
