"""Prints the speed table: the whole command, and one denoiser step beside PyTorch.

    .deps/venv/bin/python Benchmarks/speed.py [--restore .build/release/restore] [--rounds 5]

Rounds alternate between both sides, so that a noisy machine is noisy for both; the table
gives medians. What the picture shows does not matter to the time: it is a pattern.
"""
import argparse
import os
import statistics
import struct
import subprocess
import sys
import tempfile
import time
import zlib

import torch

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
sys.path.insert(0, HERE)
import unet_reference  # noqa: E402


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


def write_picture(path, side):
    rows = b"".join(
        b"\0" + bytes((x * x + y * 3 + c * 40) % 256 for x in range(side) for c in range(3)) for y in range(side))

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def whole_command(binary, path, picture, folder):
    command = [binary, "sr", "--scale", "4", "--model", path, picture, "-o", os.path.join(folder, "out.png")]
    start = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    assert status == 0
    return time.perf_counter() - start, usage.ru_maxrss / 1024


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
        write_picture(picture, 128)
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
