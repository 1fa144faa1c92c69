#!/bin/sh
# Remakes Results/training.md:
#     RESTORE_DATA=DIR Results/remake-training.sh
# DIR holds the training photographs of Recipes/sr3-x4.yaml as described in Datasets/.
set -eu
cd "$(dirname "$0")/.."
. Results/common.sh

{
    cat Results/training.head.md
    printf '\n    %s\n\n' "python Benchmarks/train.py --data DIR --compile"
    "$PYTHON" Benchmarks/train.py --restore "$BINARY" --data "$RESTORE_DATA" --compile
} >"$NEW"
cp "$NEW" Results/training.md
