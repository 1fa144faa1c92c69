"""What the benchmarks share: the machine, a picture to work on, and a command with its time and memory."""
import argparse
import hashlib
import os
import pathlib
import platform
import statistics
import struct
import subprocess
import time
import zlib

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


# What a denoiser's step is made of: when it changes, a page that timed it is out of date.
TIMED = ["Sources/CKernels", "Sources/Tensors/Layers", "Sources/Diffusion/Network"]


def sources_timed():
    """The line by which a test knows whether a page is out of date."""
    files = sorted(str(path) for folder in TIMED for path in pathlib.Path(ROOT, folder).rglob("*") if path.is_file())
    digest = hashlib.sha256(b"".join(pathlib.Path(path).read_bytes() for path in files)).hexdigest()
    return f"Sources timed ({', '.join(TIMED)}), SHA-256 {digest}."


def machine(restore):
    """Processor, cores, vector extensions and the program's version."""
    processor = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), platform.machine())
    flags = next((line for line in open("/proc/cpuinfo") if line.startswith("flags")), "")
    sets = [name for name in ("avx2", "avx512f", "avx512_vnni", "amx_tile") if f" {name} " in flags + " "]
    version = subprocess.run([restore, "--version"], capture_output=True, text=True).stdout.strip()
    return f"{processor}, {os.cpu_count()} cores and threads, {', '.join(sets) or 'no vector extensions of these'}; restore {version}"


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


def timed(command, **environment):
    """Seconds and peak resident memory in MiB of a command that must succeed, with some variables set besides."""
    start = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=os.environ | environment)
    _, status, usage = os.wait4(child.pid, 0)
    assert status == 0, command
    return time.perf_counter() - start, usage.ru_maxrss / 1024


def seconds(call, repeats=5, warm=2):
    """How long each of some calls takes, after a few that are not counted."""
    times = []
    for index in range(warm + repeats):
        start = time.perf_counter()
        call()
        if index >= warm:
            times.append(time.perf_counter() - start)
    return times


def spread(values):
    """The median, and the quartiles as text."""
    low, middle, high = statistics.quantiles(values, n=4)
    return statistics.median(values), f"{low:.3f}–{high:.3f}"
