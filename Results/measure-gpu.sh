#!/bin/sh
# What a CUDA GPU does with the shipped models and recipes, printed for Results/gpu-replay.log:
#     DATA=DIR PYTHON=python3 Results/measure-gpu.sh BIN/restore PICTURE.png > Results/gpu-replay.log
# DIR holds train/, motion/ and metrics/ as described in Datasets/; the picture is small, 128×128 say; PYTHON has
# PyTorch with CUDA. Takes five minutes.
set -eu
cd "$(dirname "$0")/.."
restore=$1
picture=$2
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

nvidia-smi --query-gpu=name,memory.total,driver_version --format=csv,noheader
nproc
"${PYTHON:=python3}" -c 'import torch; print(torch.__version__)'
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
bench Recipes/deblur.yaml --set optimizer.batchSize=128 --set data.kernelEstimates=4
bench Recipes/sr3-x4-perceptual.yaml --set data.patchSize=128 --set optimizer.batchSize=192
bench Recipes/sr3-x4-real.yaml --set data.patchSize=128 --set optimizer.batchSize=64

# The recipe of the table beside PyTorch: a batch that fills a GPU.
sed 's/^  patchSize: 96 /  patchSize: 128/; s/^  batchSize: 16$/  batchSize: 128/' Recipes/sr3-x4.yaml >"$out/sr3-x4.yaml"
echo "== Benchmarks/train.py --device cuda --compile --rounds 2 --steps 12"
"$PYTHON" Benchmarks/train.py --restore "$restore" --data "$DATA" --recipe "$out/sr3-x4.yaml" --device cuda --compile \
    --rounds 2 --steps 12
