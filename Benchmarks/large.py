"""Prints times and peak memory of `restore sr` for outputs of rising size.

    .deps/venv/bin/python Benchmarks/large.py [--restore .build/release/restore] [--rounds 1]

Each size is in turn with one megapixel, so that the time per pixel is compared on an equally noisy
machine. What the pictures show does not matter to the time: they are a pattern.
"""
import os
import statistics
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import commands  # noqa: E402
from commands import timed, write_picture  # noqa: E402

# Sides of the input, flags. One fourth of the output's.
SMALL = (256, 256)
CASES = [
    ((724, 724), []),
    ((1500, 1000), []),
    ((1500, 1000), ["--memory", "1.2G"]),
    ((1500, 1000), ["--samples", "2"]),
    ((1500, 1000), ["--precision", "int16"]),
    ((2500, 2500), []),
]


def main():
    options = commands.options(__doc__, "sr3-x4", 1)

    print(f"{os.cpu_count()} cores, {options.rounds} rounds, medians")
    print()
    print("| output | flags | seconds | peak memory, MiB | µs a pixel and sample | of that at 1 MP |")
    print("|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        def run(size, flags):
            picture = os.path.join(folder, f"{size[0]}x{size[1]}.png")
            if not os.path.exists(picture):
                write_picture(picture, *size)
            output = os.path.join(folder, "out.png")
            return timed([options.restore, "sr", "--model", options.model, picture, "-o", output, "-q", *flags])

        for size, flags in CASES:
            pairs = [(run(SMALL, []), run(size, flags), run(SMALL, [])) for _ in range(options.rounds)]
            samples = int(flags[1]) if "--samples" in flags else 1
            small = statistics.median(time for a, _, b in pairs for time in (a[0], b[0]))
            seconds = statistics.median(middle[0] for _, middle, _ in pairs)
            memory = max(middle[1] for _, middle, _ in pairs)
            pixels = 16 * size[0] * size[1]
            each = seconds / pixels / samples * 1e6
            ratio = each / (small / (16 * SMALL[0] * SMALL[1]) * 1e6)
            print(f"| {4 * size[0]}×{4 * size[1]} ({pixels / 1e6:.1f} MP) | {' '.join(flags)} | {seconds:.1f} | "
                  f"{memory:.0f} | {each:.2f} | {ratio:.2f} |", flush=True)


if __name__ == "__main__":
    main()
