"""Prints the speed table: the whole command, and one denoiser step beside PyTorch.

    .deps/venv/bin/python Benchmarks/speed.py [--restore .build/release/restore] [--rounds 5]

Rounds alternate between both sides, so that a noisy machine is noisy for both; the table
gives medians. What the picture shows does not matter to the time: it is a pattern.
"""
import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time

import torch

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
sys.path.insert(0, HERE)
import unet_reference  # noqa: E402
from commands import timed, write_picture  # noqa: E402


def pytorch_steps(model, size, count):
    generator = torch.Generator().manual_seed(1)
    noisy = torch.randn(1, 3, size, size, generator=generator)
    condition = (noisy * 0.3).clamp(-1, 1)
    level = torch.full((1,), 0.5)
    times = []
    with torch.inference_mode():
        for index in range(count + 2):
            start = time.perf_counter()
            model(noisy, condition, level)
            if index >= 2:
                times.append(time.perf_counter() - start)
    return times


def restore_steps(binary, path, size, count):
    command = [binary, "benchmark", "--model", path, "--size", str(size), "--repeat", str(count)]
    return [float(line) for line in subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()]


def whole_command(binary, path, picture, folder):
    return timed([binary, "sr", "--scale", "4", "--model", path, picture, "-o", os.path.join(folder, "out.png")])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--restore", default=os.path.join(ROOT, ".build/release/restore"))
    parser.add_argument("--model", default=os.path.join(ROOT, "Sources/SR3/Models/sr3-x4.safetensors"))
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(os.cpu_count())
    model = unet_reference.load(options.model)
    with tempfile.TemporaryDirectory() as folder:
        picture = os.path.join(folder, "in.png")
        write_picture(picture, 128, 128)
        ours, theirs, walls, peaks = [], [], [], []
        for _ in range(options.rounds):
            theirs += pytorch_steps(model, 512, 5)
            ours += restore_steps(options.restore, options.model, 512, 5)
            wall, peak = whole_command(options.restore, options.model, picture, folder)
            walls.append(wall)
            peaks.append(peak)
    median = statistics.median
    print(f"threads {torch.get_num_threads()}, PyTorch {torch.__version__}, {options.rounds} rounds, medians")
    print()
    print("| what | measured |")
    print("|---|---|")
    print(f"| `restore sr --scale 4`, 128×128 → 512×512, whole command | {median(walls):.2f} s |")
    print(f"| its peak resident memory | {median(peaks):.0f} MiB |")
    print(f"| one denoiser step at 512×512, restore | {median(ours):.3f} s |")
    print(f"| one denoiser step at 512×512, PyTorch eager, channels-last | {median(theirs):.3f} s |")
    print(f"| ratio restore / PyTorch | {median(ours) / median(theirs):.2f} |")


main()
