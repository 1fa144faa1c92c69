"""Prints how a picture restored tile by tile differs from the same picture restored as a whole.

    RESTORE_DATA=DIR .deps/venv/bin/python Benchmarks/tiles.py [--restore .build/release/restore]

A photograph of 1024×1024 pixels, cut from one of DIR/train/wallpapers. Outputs have 16 bits, so that
differences show before they are rounded; they are in gray levels of 255. "step at seams" is the mean difference of neighbouring pixels across the lines where tiles meet,
divided by that across all other lines, less the same of the whole picture: 0 is no seam.
"""
import argparse
import os
import subprocess
import sys
import tempfile

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
sys.path.insert(0, os.path.join(ROOT, "Results"))
from side_by_side import read_png, write_png  # noqa: E402

PHOTO = "train/wallpapers/piazza-gae-aulenti.jpg"
CASES = [
    ("deblur", 1024, []), ("deblur", 1024, ["--steps", "5"]), ("deblur", 1024, ["--predictor-only"]),
    ("sr", 256, []), ("sr", 256, ["--steps", "20"]),
]


def cuts(length, side, multiple=16, blend=32):
    """Where tiles meet, as Sources/Diffusion/Tiling/TileGrid.swift cuts them."""
    side = -(-side // multiple) * multiple
    count = max(1, min(-(-length // side), length // (blend + multiple)))
    return [length * index // count // multiple * multiple for index in range(1, count)]


def seam_ratio(picture, side):
    """Mean absolute difference across the lines between tiles, relative to that across all others."""
    values = picture.astype(np.float64)
    at, elsewhere = [], []
    for axis in (0, 1):
        steps = np.abs(np.diff(values, axis=axis)).mean(axis=tuple(a for a in range(values.ndim) if a != axis))
        lines = np.zeros(len(steps), bool)
        # Cuts lie in the middle of the blended stretch: both of its ends could show as well.
        for cut in cuts(values.shape[axis], side):
            for line in (cut - 16, cut, cut + 16):
                lines[line - 1] = True
        at.append(steps[lines])
        elsewhere.append(steps[~lines])
    return np.concatenate(at).mean() / np.concatenate(elsewhere).mean()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--restore", default=os.path.join(ROOT, ".build/release/restore"))
    parser.add_argument("--data", default=os.environ.get("RESTORE_DATA", ""))
    options = parser.parse_args()
    print("| command | output | tiles | largest difference | below 0.1 | below 1 | step at seams |")
    print("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        def restore(*arguments):
            subprocess.run([options.restore, *arguments], check=True, stdout=subprocess.DEVNULL)

        restore("degrade", "sr", "--scale", "1", "-q", "-o", folder, os.path.join(options.data, PHOTO))
        photo = read_png(os.path.join(folder, os.path.basename(PHOTO).replace(".jpg", ".png")))
        top, left = (photo.shape[0] - 1024) // 2, (photo.shape[1] - 1024) // 2
        square = os.path.join(folder, "1024.png")
        write_png(square, photo[top:top + 1024, left:left + 1024])
        os.mkdir(os.path.join(folder, "small"))
        restore("degrade", "sr", "--scale", "4", "-q", "-o", os.path.join(folder, "small"), square)
        inputs = {1024: square, 256: os.path.join(folder, "small", "1024.png")}
        for task, size, flags in CASES:
            side = 256
            results = []
            for tile in (65536, side):
                output = os.path.join(folder, f"{tile}.png")
                restore(
                    task, inputs[size], "-q", "-o", output, "--depth", "16", "--tile", str(tile), *flags)
                results.append(read_png(output) / 257)
            whole, tiled = results
            difference = np.abs(whole - tiled).max(axis=-1)
            step = seam_ratio(tiled, side) - seam_ratio(whole, side)
            count = (len(cuts(whole.shape[0], side)) + 1) * (len(cuts(whole.shape[1], side)) + 1)
            words = " ".join([task, *flags])
            print(f"| `{words}` | {whole.shape[1]}×{whole.shape[0]} | {count} | {difference.max():.2f} | "
                  f"{(difference < 0.1).mean():.3%} | {(difference < 1).mean():.4%} | {step:+.5f} |", flush=True)


if __name__ == "__main__":
    main()
