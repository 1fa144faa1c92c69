#!/bin/sh
# Remakes Results/training-notes.md, running the trials that are new or changed (an hour for all on two cores):
#     RESTORE_DATA=DIR Results/remake-training-notes.sh
# DIR holds the training photographs of Recipes/sr3-x4.yaml, test/set14 and metrics/ as described in Datasets/.
set -eu
cd "$(dirname "$0")/.."
. Results/common.sh

"$PYTHON" Results/ablations.py run --restore "$BINARY" --data "$RESTORE_DATA" --runs "$SCRATCH/trials"
{
    cat Results/training-notes.head.md
    "$PYTHON" Results/ablations.py table
    cat Results/training-notes.tail.md
} >"$NEW"
cp "$NEW" Results/training-notes.md
