#!/bin/sh
# Remakes the tables and pictures of sr3-x4 from the shipped weights:
#     RESTORE_DATA=DIR Results/remake-sr3-x4.sh
# DIR holds test/set5, test/set14, test/bsd100 and metrics/ as described in Datasets/. The files *-curve.csv are the
# validation.csv of the runs; everything else is measured anew.
set -eu
cd "$(dirname "$0")/.."
. Results/common.sh
rendered_pairs

# Every sampler at every number of steps: samplers SET FOLDER TITLE STEPS
samplers() {
    printf '\n## Steps and samplers, on %s\n' "$3"
    sweep "$2" sr --sets "$1" --sampler ddpm,ddim,dpm --eta 0,1 --steps "$4" --show show
}

{
    cat Results/sr3-x4.head.md
    printf '\n'
    weights sr3-x4
    printf '\n## Default settings: one sample, and the mean of eight\n'
    evaluated sr3-x4 sr --sets set5,set14,bsd100 --samples 1,8 --csv Results/sr3-x4.csv
    samplers set5 sr3-x4-samplers Set5 1,2,3,5,8,10,20,50
    samplers set14 sr3-x4-samplers-set14 Set14 1,2,3,5,8,10
    printf '\n## Steps and averaged samples, on Set5\n'
    sweep sr3-x4-samples sr --sets set5 --steps 1,2,3,5,8 --samples 1,2,4,8 --show show
    printf '\n## Without the noise at the start, on Set5 and Set14\n'
    run eval sr --sets set5,set14 --steps 1 --temperature 0 --samples 1,8 --threads 1
    run eval sr --sets set5,set14 --steps 4 --temperature 0.8 --threads 1
    printf '\n## Speed and memory\n\nOne run, both sides in turns.\n'
    printf '\n    %s\n\n' "python Benchmarks/speed.py"
    "$PYTHON" Benchmarks/speed.py --restore "$BINARY"
    printf '\n## Quality against training samples\n'
    printf '\nRGB PSNR in dB on the held-out photographs of the recipe; ![curve](sr3-x4-curve.svg)\n'
    printf '\nResidual target, by pixels (`Recipes/sr3-x4.yaml`):\n\n'
    curve Results/sr3-x4-curve.csv
    printf '\nFrom there with the perceptual loss (`Recipes/sr3-x4-perceptual.yaml`) on two CPU cores:\n\n'
    curve Results/sr3-x4-perceptual-curve.csv
    printf '\nFrom there with the same recipe on a GPU for five minutes:\n\n'
    curve Results/sr3-x4-gpu-curve.csv
    printf '\nFrom there with a critic (`Recipes/sr3-x4-adversarial.yaml`) on a GPU for eleven minutes:\n\n'
    curve Results/sr3-x4-adversarial-curve.csv
    printf '\nFrom there with its `noiseExponent` at 4, five minutes, shipped:\n\n'
    curve Results/sr3-x4-adversarial-noise-curve.csv
    if [ -f Results/sr3-x4-image-curve.csv ]; then
        printf '\nHR picture as target (`Recipes/sr3-x4-image.yaml`), stopped early; compare at equal samples:\n\n'
        curve Results/sr3-x4-image-curve.csv
    fi
    printf '\n## What each training gave\n\nThe weights from the history of their file: by pixels, then with the perceptual loss on'
    printf ' two CPU cores, with the same on a GPU, with a critic beside it, and what is shipped, whose critic counted by noise.\n'
    git show 146fd4a:Sources/SR3/Models/sr3-x4.safetensors >"$SCRATCH/by-pixels.safetensors"
    git show 05e6e62:Sources/SR3/Models/sr3-x4.safetensors >"$SCRATCH/perceptual.safetensors"
    run eval sr --model by-pixels.safetensors --sets set14,bsd100
    run eval sr --model perceptual.safetensors --sets set14,bsd100
    git show ff268d7:Sources/SR3/Models/sr3-x4.safetensors >"$SCRATCH/perceptual-gpu.safetensors"
    run eval sr --model perceptual-gpu.safetensors --sets set14,bsd100
    git show c09db02:Sources/SR3/Models/sr3-x4.safetensors >"$SCRATCH/critic.safetensors"
    run eval sr --model critic.safetensors --sets set14,bsd100
    run eval sr --sets set14,bsd100
    run eval sr --model critic.safetensors --sets set14 --steps 5,10 --sampler ddim,ddpm
    run eval sr --sets set14 --steps 5,10 --sampler ddim,ddpm
    cat Results/sr3-x4.tail.md
} >"$NEW"
"$PYTHON" Results/curve.py Results/sr3-x4-curve.csv Results/sr3-x4-image-curve.csv Results/sr3-x4-perceptual-curve.csv \
    >Results/sr3-x4-curve.svg
"$PYTHON" Results/side_by_side.py --restore "$RESTORE" >/dev/null
cp "$NEW" Results/sr3-x4.md
