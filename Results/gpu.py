"""Prints Results/gpu.md's table of training speed from the log of a machine with a GPU.

    python3 Results/gpu.py Results/gpu.log
"""
import re
import sys

COLUMNS = [
    ("samples per second", "samples/s", 1, 0), ("seconds per step", "step, ms", 1000, 1),
    ("data", "data", 1000, 1), ("forward", "forward", 1000, 1), ("backward", "backward", 1000, 1),
    ("optimizer", "optimiser", 1000, 1), ("GFLOP/s", "TFLOP/s", 0.001, 1),
    ("model FLOP utilisation", "of a matrix product, %", 100, 1),
]


def main(path):
    head, *parts = re.split(r"^== (?:\d+s )?", open(path).read(), flags=re.M)
    print("On " + ", PyTorch ".join(line for line in head.split("\n") if "," in line or "+cu" in line) + ":\n")
    print("| recipe, batch and patch | " + " | ".join(name for _, name, _, _ in COLUMNS) + " |")
    print("|---" * (len(COLUMNS) + 1) + "|")
    for part in parts:
        command, _, output = part.partition("\n")
        values = dict(re.findall(r"^([\w /]+): ([\d.]+)$", output, flags=re.M))
        if "samples per second" not in values:
            continue
        cells = [f"{float(values[key]) * factor:.{digits}f}" for key, _, factor, digits in COLUMNS]
        print(f"| `{command.replace('--set ', '')}` | " + " | ".join(cells) + " |")


main(sys.argv[1])
