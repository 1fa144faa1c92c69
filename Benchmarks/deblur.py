"""Prints times of `restore deblur`: whole commands with peak memory, and its networks beside PyTorch.

    .deps/venv/bin/python Benchmarks/deblur.py [--restore .build/release/restore] [--rounds 3]

Medians of several rounds; the cases take turns, so that a noisy machine is noisy for all. What the
pictures show does not matter to the time: they are a pattern.
"""
import os
import statistics
import subprocess
import sys
import tempfile
import warnings

import torch

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import commands  # noqa: E402
import unet_reference  # noqa: E402
from commands import seconds, timed, write_picture  # noqa: E402

CASES = [
    ("1280×720, `--samples 8`", 1280, 720, ["--samples", "8"]),
    ("1280×720, one sample", 1280, 720, []),
    ("1280×720, `--predictor-only`", 1280, 720, ["--predictor-only"]),
    ("512×512, `--samples 8`", 512, 512, ["--samples", "8"]),
    ("512×512, one sample", 512, 512, []),
]


SIDE = 512
LOOKS = 5


def our_looks(options, network):
    """Seconds of looks of one network."""
    command = [options.restore, "benchmark", "--model", options.model, "--network", network]
    command += ["--size", str(SIDE), "--repeat", str(LOOKS)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return [float(line) for line in done.stdout.split()]


def networks(options):
    """The table of both networks beside PyTorch, with the weights that `restore export` writes."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([options.restore, "export", options.model, "-o", folder], check=True, stdout=subprocess.DEVNULL)
        weights = os.path.join(folder, "model.safetensors")
        eager, compiled = unet_reference.load(weights), unet_reference.load(weights)
    noise = torch.randn(1, 6, SIDE, SIDE, generator=torch.Generator().manual_seed(1))
    noise = noise.contiguous(memory_format=torch.channels_last)
    inputs = {"predictor": (noise, None, torch.ones(1)), "denoiser": (noise[:, :3], noise * 0.3, torch.full((1,), 0.5))}
    print(f"\n{SIDE}×{SIDE}, one look of a network, {options.rounds} rounds of {LOOKS} in turns; PyTorch {torch.__version__}, float32.\n")
    print("| network | what | seconds, median | quartiles | against the faster of PyTorch |\n|---|---|---|---|---|")
    for name, given in inputs.items():
        plain, fast = getattr(eager, name), torch.compile(getattr(compiled, name))
        calls = {
            "restore": lambda: our_looks(options, name),
            "PyTorch eager, channels-last": lambda: seconds(lambda: plain(*given), LOOKS),
            "torch.compile": lambda: seconds(lambda: fast(*given), LOOKS),
        }
        times = {what: [] for what in calls}
        with torch.inference_mode():
            for _ in range(options.rounds):
                for what, call in calls.items():
                    times[what] += call()
        fastest = min(statistics.median(times[what]) for what in calls if what != "restore")
        for what, values in times.items():
            middle, between = commands.spread(values)
            print(f"| {name} | {what} | {middle:.3f} | {between} | {middle / fastest:.2f} |")


def main():
    warnings.filterwarnings("ignore")
    options = commands.options(__doc__, "deblur", 3)
    torch.set_num_threads(os.cpu_count())
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
        wall, memory = (statistics.median(values) for values in zip(*measured))
        print(f"| {name} | {wall:.1f} | {memory:.0f} |")
    networks(options)


main()
