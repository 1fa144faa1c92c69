#!/bin/sh
# Remakes Results/parts.md, in ten minutes with the building of the harness; nothing else should run meanwhile:
#     RESTORE_DATA=DIR Results/remake-parts.sh
# DIR holds test/set14 and test/gopro-val as described in Datasets/.
set -eu
cd "$(dirname "$0")/.."
. Results/common.sh

{
    cat Results/parts.head.md
    printf '\n'
    "$PYTHON" Benchmarks/parts.py --restore "$BINARY"
    printf '\n## The same pictures by the plain operators\n'
    printf '\n    %s\n\n' "swift run --package-path Benchmarks -c release Exactness --sr data/test/set14/lr_x4/*.png --deblur data/test/gopro-val/blur/*"
    swift build --package-path Benchmarks -c release --product Exactness >&2
    Benchmarks/.build/release/Exactness --sr "$RESTORE_DATA"/test/set14/lr_x4/*.png --deblur "$RESTORE_DATA"/test/gopro-val/blur/*
    cat Results/parts.tail.md
} >"$NEW"
cp "$NEW" Results/parts.md
