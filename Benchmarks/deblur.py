"""Prints whole-command times and peak memory of `restore deblur`.

    .deps/venv/bin/python Benchmarks/deblur.py [--restore .build/release/restore] [--rounds 3]

Medians of several rounds; the cases take turns, so that a noisy machine is noisy for all. What the
pictures show does not matter to the time: they are a pattern.
"""
import os
import statistics
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import commands  # noqa: E402
from commands import timed, write_picture  # noqa: E402

CASES = [
    ("1280×720, `--samples 8`", 1280, 720, ["--samples", "8"]),
    ("1280×720, one sample", 1280, 720, []),
    ("1280×720, `--predictor-only`", 1280, 720, ["--predictor-only"]),
    ("512×512, `--samples 8`", 512, 512, ["--samples", "8"]),
    ("512×512, one sample", 512, 512, []),
]


def main():
    options = commands.options(__doc__, "deblur", 3)
    results = [[] for _ in CASES]
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(options.rounds):
            for index, (_, width, height, flags) in enumerate(CASES):
                picture = os.path.join(folder, f"{width}.png")
                write_picture(picture, width, height)
                output = os.path.join(folder, "out.png")
                command = [options.restore, "deblur", "--model", options.model, picture, "-o", output, *flags]
                results[index].append(timed(command))
    print(f"{os.cpu_count()} cores, {options.rounds} rounds, medians")
    print()
    print("| whole command | seconds | peak memory, MiB |")
    print("|---|---|---|")
    for (name, *_), measured in zip(CASES, results):
        seconds, memory = (statistics.median(values) for values in zip(*measured))
        print(f"| {name} | {seconds:.1f} | {memory:.0f} |")


main()
