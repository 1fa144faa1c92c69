"""Three enlarged side-by-sides of the rendered picture for each task.

    .deps/venv/bin/python Results/side_by_side.py [sr3-x4|deblur] [--restore .build/release/restore]

sr3-x4: bicubic | restore | original, of the demo picture made small. deblur: blurred | predictor |
one sample | mean of eight | original, of the demo picture blurred by a shake of the hand. Default
settings. Writes Results/TASK-{1,2,3}.png: crops of 120×96 pixels, each pixel shown as 3×3.
"""
import argparse
import os
import struct
import subprocess
import sys
import tempfile
import zlib

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
# Left and top of each crop in the 768×576 picture: the sign, the tree, the fence.
CROPS = [(180, 225), (520, 60), (480, 400)]
WIDTH, HEIGHT, ZOOM, GAP = 120, 96, 3, 6


def read_png(path):
    """RGB of 8 or 16 bits, not interlaced, as this project writes it; height × width × 3."""
    data = open(path, "rb").read()
    position, packed = 8, b""
    while position < len(data):
        length, name = struct.unpack(">I4s", data[position:position + 8])
        body = data[position + 8:position + 8 + length]
        if name == b"IHDR":
            width, height, depth, colour, _, _, interlace = struct.unpack(">IIBBBBB", body)
            assert depth in (8, 16) and (colour, interlace) == (2, 0), "an RGB picture is expected"
        if name == b"IDAT":
            packed += body
        position += 12 + length
    packed = zlib.decompress(packed)
    step = 3 * depth // 8
    size = width * step
    rows = np.zeros((height, size), np.uint8)
    above = bytes(size)
    for y in range(height):
        start = y * (1 + size)
        kind, line = packed[start], packed[start + 1:start + 1 + size]
        if kind == 2:
            line = (np.frombuffer(line, np.uint8) + np.frombuffer(above, np.uint8)).tobytes()
        elif kind == 1:
            pixels = np.frombuffer(line, np.uint8).reshape(width, step)
            line = np.add.accumulate(pixels, axis=0, dtype=np.uint8).tobytes()
        elif kind >= 3:
            line = unfiltered(kind, line, above, step)
        rows[y] = np.frombuffer(line, np.uint8)
        above = line
    if depth == 16:
        rows = rows.view(">u2")
    return rows.reshape(height, width, 3)


def unfiltered(kind, line, above, step):
    """A row of the filters average (3) and Paeth (4), whose samples wait for each other."""
    done = bytearray(step) + bytearray(line)
    above = bytes(step) + above
    for i in range(step, len(done)):
        left, up = done[i - step], above[i]
        if kind == 3:
            guess = (left + up) >> 1
        else:
            corner = above[i - step]
            a, b, c = abs(up - corner), abs(left - corner), abs(left + up - 2 * corner)
            guess = left if a <= b and a <= c else up if b <= c else corner
        done[i] = (done[i] + guess) & 255
    return bytes(done[step:])


def write_png(path, picture):
    height, width, _ = picture.shape
    rows = np.concatenate([np.zeros((height, 1), np.uint8), picture.reshape(height, -1)], 1).tobytes()

    def chunk(name, body):
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    with open(path, "wb") as file:
        file.write(
            b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b""))


def enlarged(restore, folder):
    small, original, large, pair = (os.path.join(folder, f"{n}.png") for n in ("small", "original", "large", "pair"))
    render("192x144", original, small)
    subprocess.run([restore, "sr", "--scale", "4", small, "-o", large, "--compare", pair], check=True)
    return [read_png(pair)[:, :768], read_png(large), read_png(original)]


def deblurred(restore, folder):
    small, original = (os.path.join(folder, f"{n}.png") for n in ("small", "original"))
    render("192x144", original, small)
    blurred = os.path.join(folder, "blurred")
    subprocess.run(
        [restore, "degrade", "blur", "--kinds", "shake", "--extent", "9,9", "--noise", "0.003", "--seed", "2",
         "-o", blurred, original], check=True)
    source = os.path.join(blurred, "original.png")
    pictures = [read_png(source)]
    for flags in (["--predictor-only"], [], ["--samples", "8"]):
        output = os.path.join(folder, "out.png")
        subprocess.run([restore, "deblur", source, "-o", output, *flags], check=True)
        pictures.append(read_png(output))
    return pictures + [read_png(original)]


def render(size, original, small):
    script = os.path.join(ROOT, "Scripts/render_demo.py")
    subprocess.run([sys.executable, script, "--size", size, "--hr", original, small], check=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", nargs="?", choices=["sr3-x4", "deblur"], default="sr3-x4")
    parser.add_argument("--restore", default=os.path.join(ROOT, ".build/release/restore"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        pictures = {"sr3-x4": enlarged, "deblur": deblurred}[options.task](options.restore, folder)
    for number, (x, y) in enumerate(CROPS, 1):
        parts = []
        for picture in pictures:
            crop = picture[y:y + HEIGHT, x:x + WIDTH].repeat(ZOOM, 0).repeat(ZOOM, 1)
            parts += [crop, np.full((crop.shape[0], GAP, 3), 255, np.uint8)]
        write_png(os.path.join(HERE, f"{options.task}-{number}.png"), np.concatenate(parts[:-1], 1))


if __name__ == "__main__":
    main()
