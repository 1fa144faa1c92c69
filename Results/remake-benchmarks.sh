#!/bin/sh
# Remakes Results/benchmarks.md, in three minutes; nothing else should run meanwhile:
#     Results/remake-benchmarks.sh
set -eu
cd "$(dirname "$0")/.."
# No photographs are needed, which common.sh asks for.
RESTORE_DATA=${RESTORE_DATA:-.}
. Results/common.sh

{
    cat Results/benchmarks.head.md
    printf '\n    %s\n\n' "python Benchmarks/inference.py"
    "$PYTHON" Benchmarks/inference.py --restore "$BINARY" --svg Results/benchmarks-roofline.svg
    printf '\n    %s\n' "python Benchmarks/whole.py"
    "$PYTHON" Benchmarks/whole.py --restore "$BINARY"
    cat Results/benchmarks.tail.md
} >"$NEW"
cp "$NEW" Results/benchmarks.md
