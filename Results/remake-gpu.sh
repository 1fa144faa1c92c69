#!/bin/sh
# Remakes Results/gpu.md from the logs of a machine with a GPU: Results/gpu.log, Results/gpu-replay.log, which is what
# Results/measure-gpu.sh prints, and Results/gpu-inference.log, which is what Benchmarks/gpu.py prints.
set -eu
cd "$(dirname "$0")/.."
PYTHON=${PYTHON:-.deps/venv/bin/python}

{
    cat Results/gpu.head.md
    "$PYTHON" Results/gpu.py Results/gpu.log Results/gpu-replay.log Results/gpu-inference.log
    cat Results/gpu.tail.md
} >Results/gpu.md
