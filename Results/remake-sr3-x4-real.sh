#!/bin/sh
# Remakes Results/sr3-x4-real.md from the shipped weights:
#     RESTORE_DATA=DIR Results/remake-sr3-x4-real.sh
# DIR holds test/set14 and metrics/ as described in Datasets/. sr3-x4-real-curve.csv is the validation.csv of the
# run; everything else is measured anew.
set -eu
cd "$(dirname "$0")/.."
. Results/common.sh

# Pairs of a set: pairs NAME PICTURE...
pairs() {
    name=$1
    shift
    mkdir -p "$SCRATCH/$name/hr"
    for picture in "$@"; do ln -s "$picture" "$SCRATCH/$name/hr/$(basename "$picture")"; done
    printf '\n    restore degrade real --seed 1 -o %s/lr %s/hr/*.png\n' "$name" "$name"
    (cd "$SCRATCH" && "$BINARY" degrade real --quiet --seed 1 -o "$name/lr" "$name"/hr/*.png)
}

{
    cat Results/sr3-x4-real.head.md
    printf '\n'
    weights sr3-x4-real
    printf '\n## Set14, made small and damaged\n'
    pairs real-set14 "$RESTORE_DATA"/test/set14/hr/*.png
    run eval sr --model sr3-x4-real --data real-set14 --steps 1,2,4,8
    run eval sr --model sr3-x4 --data real-set14 --steps 2
    printf '\nBefore the critic, from the history of the file:\n'
    git show ff268d7:Sources/SR3/Models/sr3-x4-real.safetensors >"$SCRATCH/before.safetensors"
    run eval sr --model before.safetensors --data real-set14 --steps 2
    printf '\n## Quality against training samples\n'
    printf '\nRGB PSNR in dB on the held-out photographs of the recipe, damaged likewise.\n\n'
    curve Results/sr3-x4-real-curve.csv
    printf '\nFrom there on a GPU for five minutes:\n\n'
    curve Results/sr3-x4-real-gpu-curve.csv
    printf '\nFrom there with a critic (`Recipes/sr3-x4-real-adversarial.yaml`) on a GPU for eleven minutes, shipped:\n\n'
    curve Results/sr3-x4-real-adversarial-curve.csv
    cat Results/sr3-x4-real.tail.md
} >"$NEW"
cp "$NEW" Results/sr3-x4-real.md
