"""Prints one denoiser's step beside PyTorch, and the machine's limits; Benchmarks/whole.py has whole commands.

    .deps/venv/bin/python Benchmarks/inference.py [--restore FILE] [--rounds 5] [--svg ROOFLINE.svg]

Everything is measured in one run; sides that are compared take turns, so that a noisy machine is noisy for
both. Tables give medians and, as spread, the quartiles.
"""
import os
import pathlib
import statistics
import subprocess
import sys
import warnings

import torch

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path.insert(0, str(HERE))
import unet_reference  # noqa: E402
from commands import machine, options, seconds, sources_timed, spread  # noqa: E402


class Network:
    """The shipped network in PyTorch, and what its convolutions compute and move at one size."""

    def __init__(self, path, size):
        generator = torch.Generator().manual_seed(1)
        noisy = torch.randn(1, 3, size, size, generator=generator)
        self.inputs = (noisy, (noisy * 0.3).clamp(-1, 1), torch.full((1,), 0.5))
        self.path = path
        self.operations = self.bytes = 0

    def peers(self):
        """name → a call of one step, the fastest ways PyTorch offers."""
        eager = unet_reference.load(self.path).eval()
        self.count(eager)
        rows = unet_reference.load(self.path).eval().to(memory_format=torch.contiguous_format)
        traced = torch.jit.freeze(torch.jit.trace(unet_reference.load(self.path).eval(), self.inputs, check_trace=False))
        compiled = torch.compile(unet_reference.load(self.path).eval())
        return {
            "PyTorch eager, channels-last": lambda: eager(*self.inputs),
            "PyTorch eager, NCHW": lambda: rows(*self.inputs),
            "PyTorch TorchScript, traced and frozen": lambda: traced(*self.inputs),
            "torch.compile": lambda: compiled(*self.inputs),
        }

    def count(self, model):
        def hook(module, given, result):
            self.operations += 2 * module.weight.numel() * result.shape[2] * result.shape[3]
            self.bytes += 4 * (given[0].numel() + result.numel() + module.weight.numel())

        hooks = [m.register_forward_hook(hook) for m in model.modules() if isinstance(m, torch.nn.Conv2d)]
        model(*self.inputs)
        for one in hooks:
            one.remove()


def peaks():
    """What this machine reaches in one run: GFLOP/s of a large product and of a large convolution, GB/s of memory."""
    a, b = torch.randn(1536, 1536), torch.randn(1536, 1536)
    conv = torch.nn.Conv2d(128, 128, 3, padding=1).to(memory_format=torch.channels_last)
    x = torch.randn(1, 128, 96, 96).contiguous(memory_format=torch.channels_last)
    big = torch.randn(32 << 20)
    other = torch.empty_like(big)
    return (
        2 * 1536**3 / min(seconds(lambda: a @ b)) * 1e-9,
        2 * 9 * 128 * 128 * 96 * 96 / min(seconds(lambda: conv(x))) * 1e-9,
        2 * 4 * big.numel() / min(seconds(lambda: other.copy_(big))) * 1e-9,
    )


def int8_speedups():
    """How much faster libtorch's int8 convolutions are than its float32 ones: (channels, side, engine, ratio)."""
    before = torch.backends.quantized.engine
    found = []
    for channels, side in ((64, 128), (128, 64), (192, 32)):
        plain = torch.nn.Conv2d(channels, channels, 3, padding=1).to(memory_format=torch.channels_last)
        x = torch.randn(1, channels, side, side).contiguous(memory_format=torch.channels_last)
        qx = torch.quantize_per_tensor(x, 0.05, 128, torch.quint8)
        qw = torch.quantize_per_channel(
            plain.weight.detach(), torch.full((channels,), 0.01), torch.zeros(channels, dtype=torch.long), 0, torch.qint8)
        for engine in ("onednn", "x86", "fbgemm"):
            if engine not in torch.backends.quantized.supported_engines:
                continue
            torch.backends.quantized.engine = engine
            packed = torch.ops.quantized.conv2d_prepack(qw, plain.bias.detach(), [1, 1], [1, 1], [1, 1], 1)
            small, large = [], []
            for _ in range(3):
                small += seconds(lambda: torch.ops.quantized.conv2d(qx, packed, 0.05, 128))
                large += seconds(lambda: plain(x))
            found.append((channels, side, engine, statistics.median(large) / statistics.median(small)))
    torch.backends.quantized.engine = before
    return found


def our_steps(arguments, size, count, precision):
    """Seconds of steps; none where the processor does not have the number format."""
    command = [arguments.restore, "benchmark", "--model", arguments.model, "--size", str(size), "--repeat", str(count)]
    done = subprocess.run([*command, "--precision", precision], capture_output=True, text=True)
    if done.returncode and precision == "float32":
        sys.exit(done.stderr)
    return [float(line) for line in done.stdout.split()]


def show_steps(arguments):
    network = Network(arguments.model, 512)
    peers = network.peers()
    formats = {"restore": "float32", "restore, int16": "int16", "restore, int8": "int8"}
    times = {name: [] for name in [*formats, *peers]}
    for _ in range(arguments.rounds):
        for name, call in peers.items():
            times[name] += seconds(call)
        for name, precision in formats.items():
            times[name] += our_steps(arguments, 512, 5, precision)
    times = {name: values for name, values in times.items() if values}
    fastest = min(statistics.median(times[name]) for name in peers)
    ours = statistics.median(times["restore"])
    product, convolution, memory = peaks()
    print(f"\n## One denoiser step at 512×512\n\n{arguments.rounds} rounds of 5 steps in turns.\n")
    print("| what | seconds, median | quartiles | against the fastest of PyTorch | convolutions' GFLOP/s |")
    print("|---|---|---|---|---|")
    for name, values in times.items():
        middle, between = spread(values)
        print(f"| {name} | {middle:.3f} | {between} | {middle / fastest:.2f} | {network.operations / middle * 1e-9:.0f} |")
    print(f"\nIts convolutions are {network.operations * 1e-9:.1f} GFLOP by their definition. In the same run a product of "
          f"1536×1536 matrices reached {product:.0f} GFLOP/s, PyTorch's convolution of 128 channels {convolution:.0f}, a copy "
          f"{memory:.0f} GB/s. restore is at {100 * network.operations / ours * 1e-9 / product:.0f} % of the product's speed: more "
          "than all, because Winograd's algorithm multiplies a quarter as often as the definition.")
    if arguments.svg:
        intensity = network.operations / network.bytes
        best = min(peers, key=lambda name: statistics.median(times[name]))
        points = [("restore", network.operations / ours * 1e-9), (best, network.operations / fastest * 1e-9)]
        pathlib.Path(arguments.svg).write_text(roofline(product, memory, intensity, points))
        print(f"\n![roofline]({os.path.basename(arguments.svg)})")
    print("\n## int8\n\nlibtorch's int8 convolutions beside its float32 ones here, times as fast:\n")
    print("| channels | side | engine | int8 against float32 |\n|---|---|---|---|")
    for channels, side, engine, ratio in int8_speedups():
        print(f"| {channels} | {side} | {engine} | {ratio:.2f} |")
    print(f"\nrestore's whole step in float32 is {fastest / ours:.2f} times as fast as the fastest of PyTorch's.")


def roofline(product, memory, intensity, points):
    import math

    width, height, left, bottom = 640, 400, 70, 50
    low, high = (1, 10), (1000, 2000)

    def at(x, y):
        fx = math.log(x / low[0]) / math.log(high[0] / low[0])
        fy = math.log(y / low[1]) / math.log(high[1] / low[1])
        return left + (width - left - 20) * fx, height - bottom - (height - bottom - 20) * fy

    def line(points, style):
        return f'<polyline points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in points)}" fill="none" {style}/>'

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="sans-serif" font-size="12">',
           f'<rect width="{width}" height="{height}" fill="white"/>']
    for x in (1, 10, 100, 1000):
        out.append(line([at(x, low[1]), at(x, high[1])], 'stroke="#ddd"'))
        out.append(f'<text x="{at(x, 10)[0]:.0f}" y="{height - bottom + 18}" text-anchor="middle">{x}</text>')
    for y in (10, 100, 1000):
        out.append(line([at(low[0], y), at(high[0], y)], 'stroke="#ddd"'))
        out.append(f'<text x="{left - 8}" y="{at(1, y)[1] + 4:.0f}" text-anchor="end">{y}</text>')
    roof = [(1, max(memory, 10)), (product / memory, product), (1000, product)]
    out.append(line([at(*point) for point in roof], 'stroke="#555" stroke-width="2"'))
    out.append(f'<text x="{at(1000, product)[0]:.0f}" y="{at(1, product)[1] - 8:.0f}" text-anchor="end" fill="#555">'
               f"{memory:.0f} GB/s, {product:.0f} GFLOP/s: the definition's roof</text>")
    for (name, value), colour in zip(points, ("#1f5fa8", "#c2562d")):
        x, y = at(intensity, value)
        out.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{colour}"/>')
        out.append(f'<text x="{x + 10:.1f}" y="{y + 4:.1f}" fill="{colour}">{name}, {value:.0f} GFLOP/s</text>')
    out.append(f'<text x="{width / 2}" y="{height - 10}" text-anchor="middle">FLOP of the definition a byte moved</text>')
    out.append(f'<text x="18" y="{height / 2}" transform="rotate(-90 18 {height / 2})" text-anchor="middle">GFLOP/s</text>')
    return "\n".join([*out, "</svg>", ""])


def main():
    warnings.filterwarnings("ignore")
    arguments = options(__doc__, str(ROOT / "Sources/SR3/Models/sr3-x4.safetensors"), 5)
    torch.set_num_threads(os.cpu_count())
    print(f"{machine(arguments.restore)}, PyTorch {torch.__version__}.")
    print(f"\n{sources_timed()}")
    with torch.inference_mode():
        show_steps(arguments)


if __name__ == "__main__":
    main()
