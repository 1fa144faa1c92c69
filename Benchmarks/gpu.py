"""Prints one denoiser's step on a CUDA GPU beside PyTorch, in bfloat16, and in float32 by itself.

    python Benchmarks/gpu.py [--restore FILE] [--rounds 3]

Everything is measured in one run and in turns. A step is timed from the call to the end of the device's work, after
calls that warm up: what is compiled, tried or written down is before.
"""
import statistics
import subprocess
import sys
import time
import warnings

import torch

import unet_reference
from commands import ROOT, options, sources_timed, spread

SIDES = (512, 2048)
WARM = 5
STEPS = 20
COMPILED = "torch.compile(max-autotune), bfloat16"
MEBIBYTE = 1 << 20


class Peer:
    """The shipped network in PyTorch on the GPU, in bfloat16; `compiled` by torch.compile, asking for the most."""

    def __init__(self, path, compiled):
        self.model = unet_reference.load(path).eval().cuda()
        self.call = torch.compile(self.model, mode="max-autotune") if compiled else self.model
        self.memory = {}

    def steps(self, side):
        """Seconds of each; what memory was taken at most is kept."""
        generator = torch.Generator(device="cuda").manual_seed(1)
        noisy = torch.randn(1, 3, side, side, device="cuda", generator=generator)
        inputs = (noisy, (noisy * 0.3).clamp(-1, 1), torch.full((1,), 0.5, device="cuda"))
        times = []
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        for index in range(WARM + STEPS):
            torch.cuda.synchronize()
            start = time.perf_counter()
            with torch.autocast("cuda", torch.bfloat16):
                self.call(*inputs)
            torch.cuda.synchronize()
            if index >= WARM:
                times.append(time.perf_counter() - start)
        self.memory[side] = torch.cuda.max_memory_reserved() / MEBIBYTE
        return times


class Ours:
    def __init__(self, arguments, dtype):
        self.arguments, self.dtype = arguments, dtype
        self.memory = {}

    def steps(self, side):
        command = [self.arguments.restore, "benchmark", "--model", self.arguments.model, "--device", "cuda"]
        command += ["--size", str(side), "--repeat", str(STEPS), "--precision", self.dtype]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            sys.exit(done.stderr)
        for line in done.stderr.splitlines():
            if line.startswith("GPU memory taken: "):
                self.memory[side] = float(line.split()[3])
            else:
                print(line, file=sys.stderr)
        return [float(line) for line in done.stdout.split()]


def main():
    warnings.filterwarnings("ignore")
    arguments = options(__doc__, f"{ROOT}/Sources/SR3/Models/sr3-x4.safetensors", 3)
    ways = {
        "restore --precision bfloat16": Ours(arguments, "bfloat16"),
        "PyTorch eager, channels-last, bfloat16": Peer(arguments.model, False),
        COMPILED: Peer(arguments.model, True),
        "restore, float32": Ours(arguments, "float32"),
    }
    times = {(name, side): [] for side in SIDES for name in ways}
    with torch.inference_mode():
        for _ in range(arguments.rounds):
            for name, side in times:
                times[name, side] += ways[name].steps(side)
    print(f"{torch.cuda.get_device_name()}, PyTorch {torch.__version__}, {arguments.rounds} rounds of {STEPS} steps in turns, medians.")
    print(f"\n{sources_timed()}\n")
    print("| picture | what | ms a step | quartiles, ms | steps/s | against torch.compile | memory taken, MiB |")
    print("|---|---|---|---|---|---|---|")
    for (name, side), values in times.items():
        middle, between = spread([value * 1e3 for value in values])
        compiled = 1e3 * statistics.median(times[COMPILED, side])
        print(f"| {side}×{side} | {name} | {middle:.2f} | {between} | {1e3 / middle:.0f} | {middle / compiled:.2f} "
              f"| {ways[name].memory.get(side, float('nan')):.0f} |")


main()
