#!/bin/sh
# Remakes Results/fuzz.md: two million executions of every harness, some hours; most of it goes to recipes.
set -eu
cd "$(dirname "$0")/.."

RUNS=${RUNS:-2000000} Scripts/fuzz.sh
python3 Results/fuzz.py .build-fuzz/logs Results/fuzz.md
