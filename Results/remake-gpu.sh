#!/bin/sh
# Remakes Results/gpu.md from Results/gpu.log, the log of a machine with a GPU; see Results/measure-gpu.sh.
set -eu
cd "$(dirname "$0")/.."
PYTHON=${PYTHON:-.deps/venv/bin/python}

{
    cat Results/gpu.head.md
    "$PYTHON" Results/gpu.py Results/gpu.log
    cat Results/gpu.tail.md
} >Results/gpu.md
