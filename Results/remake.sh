#!/bin/sh
# Remakes the tables and pictures of sr3-x4 from the shipped weights:
#     RESTORE_DATA=DIR Results/remake.sh
# DIR holds test/set5, test/set14, test/bsd100 and metrics/ as described in Datasets/. The two
# files *-curve.csv are the validation.csv of the runs; everything else is measured anew.
set -eu
cd "$(dirname "$0")/.."
. Results/common.sh
OUT=Results/sr3-x4.md
NEW=$(mktemp)
trap 'rm -f "$NEW"' EXIT

{
    cat Results/sr3-x4.head.md
    printf '\n## Default settings\n'
    run evaluate --sets set14,bsd100 --csv Results/sr3-x4.csv
    printf '\n## The perception-distortion trade, on Set5 and Set14\n'
    printf '\nMore steps add invented detail, fewer stay close to the mean.\n'
    run evaluate --sets set5,set14 --steps 1,2,3,4
    run evaluate --sets set5,set14 --steps 1 --temperature 0
    run evaluate --sets set5,set14 --steps 4 --temperature 0.8
    printf '\n## Speed and memory\n\nOne run, both sides in turns.\n'
    shown "$PYTHON" Benchmarks/speed.py --restore "$RESTORE"
    printf '\n## Quality against training samples\n'
    printf '\nRGB PSNR in dB on the held-out photographs of the recipe; ![curve](sr3-x4-curve.svg)\n'
    printf '\nResidual target (`Recipes/sr3-x4.yaml`), shipped:\n\n'
    curve Results/sr3-x4-curve.csv
    if [ -f Results/sr3-x4-image-curve.csv ]; then
        printf '\nHR picture as target (`Recipes/sr3-x4-image.yaml`), stopped early; compare at equal samples:\n\n'
        curve Results/sr3-x4-image-curve.csv
    fi
    cat Results/sr3-x4.tail.md
} >"$NEW"
"$PYTHON" Results/curve.py Results/sr3-x4*-curve.csv >Results/sr3-x4-curve.svg
"$PYTHON" Results/side_by_side.py --restore "$RESTORE" >/dev/null
cp "$NEW" "$OUT"
