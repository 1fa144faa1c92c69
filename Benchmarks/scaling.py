"""Prints what more ranks bring: measured here, and estimated for GPUs from the shipped models.

    .deps/venv/bin/python Benchmarks/scaling.py [--restore .build/release/restore] [--ranks 1,2] [--rounds 3]
    .deps/venv/bin/python Benchmarks/scaling.py --estimate-only

Measured: `restore train --benchmark` on rendered patterns and `restore sr` on a folder, one thread a rank,
on this machine. Rounds alternate between the numbers of ranks; the tables give medians.

Estimated: seconds of a step = samples x 3 x operations of a forward pass / (peak x utilisation); the
sum over ranks moves 2 (n - 1)/n x 4 bytes x parameters past the slowest link of a ring; it can hide
behind all of the backward pass (2/3 of the step) but for the last bucket, which only starts when
that is over.
"""
import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
sys.path.insert(0, HERE)
import unet_reference  # noqa: E402
from commands import write_picture  # noqa: E402

MODELS = ["Sources/SR3/Models/sr3-x4.safetensors", "Sources/Deblur/Models/deblur.safetensors.index.json"]
# Bytes a second between neighbours of the ring, each way: what vendors state, less what protocols take. Where a
# machine has several GPUs the ring enters and leaves it once.
LINKS = [
    ("NVLink 4, one node", 300e9), ("InfiniBand NDR, 400 Gb/s", 45e9),
    ("InfiniBand HDR, 200 Gb/s", 22e9), ("10 Gb Ethernet", 1.1e9),
]
BUCKET = 25 << 20


def launcher(ranks):
    if ranks == 1:
        return []
    for name in ("mpirun.openmpi", "mpirun"):
        if shutil.which(name):
            return [name, "--allow-run-as-root", "--oversubscribe", "--bind-to", "none", "-n", str(ranks)]
    sys.exit("scaling.py: mpirun is not installed (Debian: openmpi-bin)")


def run(command, folder):
    """What a command that must succeed prints."""
    environment = dict(os.environ, OMP_NUM_THREADS="1")
    return subprocess.run(
        command, check=True, cwd=folder, env=environment, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL).stdout


def train(options, ranks, folder):
    """Seconds of a step of the shipped recipe's network."""
    with open(os.path.join(ROOT, "Recipes/sr3-x4.yaml")) as file:
        recipe = file.read()
    changes = {"sets": "[]", "validationCount": 0, "batchSize": options.batch}
    with open(os.path.join(folder, "recipe.yaml"), "w") as file:
        file.write(re.sub(
            r"(?m)^( *)(" + "|".join(changes) + r"):.*$", lambda match: f"{match[1]}{match[2]}: {changes[match[2]]}", recipe))
    report = run(
        launcher(ranks) + [options.restore, "train", "recipe.yaml", "--data", "photos", "--threads", "1",
                           "--device", "cpu", "--benchmark", str(options.steps)], folder)
    return float(re.search(r"seconds per step: ([0-9.]+)", report).group(1))


def enlarge(options, ranks, folder):
    """Seconds of a picture: of many less those of few, which takes the start out."""
    def seconds(count):
        shutil.rmtree(os.path.join(folder, "out"), ignore_errors=True)
        names = [f"photos/{index}.png" for index in range(count)]
        start = time.perf_counter()
        run(launcher(ranks) + [options.restore, "sr", *names, "-o", "out", "-q", "--threads", "1",
                               "--device", "cpu"], folder)
        return time.perf_counter() - start

    few = 4
    return (seconds(options.pictures) - seconds(few)) / (options.pictures - few)


def measure(options, work):
    """Seconds of a unit of work by number of ranks."""
    rates = {ranks: [] for ranks in options.ranks}
    with tempfile.TemporaryDirectory() as folder:
        os.mkdir(os.path.join(folder, "photos"))
        for index in range(options.pictures):
            write_picture(os.path.join(folder, f"photos/{index}.png"), 128, 128)
        for _ in range(options.rounds):
            for ranks in options.ranks:
                rates[ranks].append(work(options, ranks, folder))
    return {ranks: statistics.median(values) for ranks, values in rates.items()}


def measured(options):
    print(f"Training, the network of Recipes/sr3-x4.yaml, {options.batch} samples a rank:\n")
    print("| ranks | seconds a step | samples a second | of linear |\n|---|---|---|---|")
    times = measure(options, train)
    first = times[options.ranks[0]]
    for ranks, step in times.items():
        print(f"| {ranks} | {step:.3f} | {ranks * options.batch / step:.2f} | {first / step:.0%} |")
    print("\n`restore sr` on pictures of 128×128:\n")
    print("| ranks | seconds a picture | of linear |\n|---|---|---|")
    times = measure(options, enlarge)
    first = times[options.ranks[0]]
    for ranks, picture in times.items():
        print(f"| {ranks} | {picture:.3f} | {first / (picture * ranks):.0%} |")


def shape(path):
    """(parameters, operations of a sample's forward pass, samples a GPU) of a shipped model."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode
    tensors, metadata = unet_reference.read_weights(path)
    configuration, recipe = json.loads(metadata["configuration"]), metadata["recipe"]
    side = int(re.search(r"^data:.*?patchSize: (\d+)", recipe, re.S | re.M).group(1))
    batch = int(re.search(r"batchSize: (\d+)", recipe).group(1))
    networks = [configuration[name] for name in ("network", "predictor", "denoiser") if name in configuration]
    operations = 0
    for network in networks:
        with torch.device("meta"):
            model = unet_reference.UNet(network)
            noisy = torch.zeros(1, network["imageChannels"], side, side)
            condition = torch.zeros(1, network["conditionChannels"], side, side)
            with FlopCounterMode(display=False) as counter:
                model(noisy, condition, torch.zeros(1))
        operations += counter.get_total_flops()
    return sum(tensor.numel() for tensor in tensors.values()), operations, batch


def estimated(options):
    for path in MODELS:
        count, operations, batch = shape(os.path.join(ROOT, path))
        size = 4 * count
        bucket = min(BUCKET, size / 4)
        name = os.path.basename(path).removesuffix(".index.json")
        print(f"\n{name}: {count:,} parameters, {size / 2**20:.1f} MiB of gradients a step, "
              f"{operations / 1e9:.1f} G operations a sample forward; a GPU of {options.tflops} TFLOP/s "
              f"used to {options.utilisation:.0%}.\n")
        print("| link | samples a GPU | step alone, ms | " + " | ".join(
            f"{n} GPUs: sum, ms | seen, ms | of linear" for n in options.gpus) + " |")
        print("|---" * (3 + 3 * len(options.gpus)) + "|")
        for samples in (batch, 8 * batch):
            step = samples * 3 * operations / (options.tflops * 1e12 * options.utilisation)
            for name, bandwidth in LINKS:
                cells = []
                for n in options.gpus:
                    if n > 8 and "one node" in name:
                        cells += ["–"] * 3
                        continue
                    total = 2 * (n - 1) / n * size / bandwidth
                    last = total * bucket / size
                    seen = last + max(0, total - last - step * 2 / 3)
                    cells += [f"{total * 1e3:.2f}", f"{seen * 1e3:.2f}", f"{step / (step + seen):.0%}"]
                print(f"| {name} | {samples} | {step * 1e3:.2f} | " + " | ".join(cells) + " |")


def numbers(text):
    return [int(part) for part in text.split(",")]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--restore", default=os.path.join(ROOT, ".build/release/restore"))
    parser.add_argument("--ranks", type=numbers, default=[1, 2])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--pictures", type=int, default=16)
    parser.add_argument("--estimate-only", action="store_true")
    parser.add_argument("--gpus", type=numbers, default=[8, 16, 64])
    parser.add_argument("--tflops", type=float, default=989, help="peak of a GPU in bf16 (default: H100 SXM)")
    parser.add_argument("--utilisation", type=float, default=0.2, help="part of the peak that training reaches")
    options = parser.parse_args()
    # Without the executable's path, which is this machine's.
    words = [word for index, word in enumerate(sys.argv[1:]) if "--restore" not in (word, sys.argv[index])]
    print("`" + " ".join(["python Benchmarks/scaling.py"] + words) + "`\n")
    if not options.estimate_only:
        measured(options)
    estimated(options)


if __name__ == "__main__":
    main()
