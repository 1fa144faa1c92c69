#!/bin/sh
# What a CUDA GPU does with the shipped models and recipes, printed for Results/gpu.log:
#     DATA=DIR Results/measure-gpu.sh BIN/restore PICTURE.png > Results/gpu.log
# DIR holds train/, motion/ and metrics/ as described in Datasets/; the picture is small, 128×128 say. Takes two minutes.
set -eu
cd "$(dirname "$0")/.."
restore=$1
picture=$2
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

nvidia-smi --query-gpu=name,memory.total,driver_version --format=csv,noheader
for task in sr deblur; do
    for device in cuda cpu; do
        echo "== $task --device $device"
        "$restore" "$task" --device "$device" -o "$out/$task-$device.png" "$picture"
    done
    echo "== metrics: CUDA against the CPU"
    "$restore" metrics "$out/$task-cuda.png" "$out/$task-cpu.png" --metrics psnr
done

bench() {
    echo "== $*"
    "$restore" train "$@" --data "$DATA" --device cuda --benchmark 12
}
bench Recipes/sr3-x4-perceptual.yaml --set data.patchSize=128 --set optimizer.batchSize=64
bench Recipes/sr3-x4-perceptual.yaml --set data.patchSize=128 --set optimizer.batchSize=192
bench Recipes/deblur.yaml --set optimizer.batchSize=64 --set data.kernelEstimates=4
bench Recipes/deblur.yaml --set optimizer.batchSize=128 --set data.kernelEstimates=4
bench Recipes/sr3-x4-real.yaml --set data.patchSize=128 --set optimizer.batchSize=64
