"""What the benchmarks share: a picture to work on, and a command with its time and memory."""
import argparse
import os
import statistics
import struct
import subprocess
import time
import zlib

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def options(description, model, rounds):
    """The flags that every benchmark of a whole command takes."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--restore", default=os.path.join(ROOT, ".build/release/restore"))
    parser.add_argument("--model", default=model)
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument("--svg", help="where a benchmark that draws puts its picture")
    return parser.parse_args()


def write_picture(path, width, height):
    """An RGB PNG with a pattern."""
    rows = b"".join(
        b"\0" + bytes((x * x + y * 3 + c * 40) % 256 for x in range(width) for c in range(3)) for y in range(height))

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def timed(command):
    """Seconds and peak resident memory in MiB of a command that must succeed."""
    start = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    assert status == 0, command
    return time.perf_counter() - start, usage.ru_maxrss / 1024


def spread(values):
    """The median, and the quartiles as text."""
    low, middle, high = statistics.quantiles(values, n=4)
    return statistics.median(values), f"{low:.3f}–{high:.3f}"
