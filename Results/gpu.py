"""Prints Results/gpu.md's tables from the logs of a machine with a GPU.

    python3 Results/gpu.py Results/gpu.log Results/gpu-replay.log Results/gpu-inference.log
"""
import re
import sys

COLUMNS = [
    ("samples per second", "samples/s", 1, 0), ("seconds per step", "step, ms", 1000, 1),
    ("seconds per step, call by call", "call by call, ms", 1000, 1),
    ("data", "data", 1000, 1), ("forward", "forward", 1000, 1), ("backward", "backward", 1000, 1),
    ("optimizer", "optimiser", 1000, 1), ("GFLOP/s", "TFLOP/s", 0.001, 1),
    ("model FLOP utilisation", "of a matrix product, %", 100, 1),
]


def parts(path):
    """The machine, and what each command printed."""
    head, *rest = re.split(r"^== (?:\d+s )?", open(path).read(), flags=re.M)
    machine = ", PyTorch ".join(line for line in head.split("\n") if "," in line or "+cu" in line)
    return machine, [part.partition("\n")[::2] for part in rest]


def pictures(found):
    print("| restored on CUDA, then on that machine's CPU | s |")
    print("|---|---|")
    for _, output in found:
        for what, seconds in re.findall(r"^\S+ → \S+: (.*), ([\d.]+) s$", output, flags=re.M):
            print(f"| {what} | {seconds} |")
    print("\nDifferences of the same picture from both, in gray levels:\n")
    for _, output in found:
        for line in re.findall(r"^.*\.png max .*$", output, flags=re.M):
            print("    " + line)


def training(found):
    print("| recipe, batch and patch | " + " | ".join(name for _, name, _, _ in COLUMNS) + " |")
    print("|---" * (len(COLUMNS) + 1) + "|")
    for command, output in found:
        values = dict(re.findall(r"^([\w /,]+): ([\d.]+)$", output, flags=re.M))
        if "samples per second" not in values:
            continue
        cells = [f"{float(values[key]) * factor:.{digits}f}" if key in values else "" for key, _, factor, digits in COLUMNS]
        print(f"| `{command.replace('--set ', '')}` | " + " | ".join(cells) + " |")


def beside(found):
    for command, output in found:
        if command.startswith("Benchmarks/train.py"):
            print(f"    python {command} --data DIR --recipe RECIPE\n")
            print(output.split("\n| part")[0].strip())


def main(first, second, inference):
    print(f"## One denoiser step beside PyTorch\n\n    python Benchmarks/gpu.py\n\n{open(inference).read()}")
    machine, found = parts(first)
    print(f"## Pictures\n\nOn {machine}:\n")
    pictures(found)
    later, replayed = parts(second)
    print(f"\n## Training beside PyTorch\n\nOn {later}:\n")
    beside(replayed)
    print("\n## Training, part by part\n\nOn the same:\n")
    training(replayed)
    print("\nBefore steps were replayed, with the recipes of then:\n")
    training(found)


main(*sys.argv[1:])
