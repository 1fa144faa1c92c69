"""Prints whole commands: time, memory, how both grow with pixels, steps and samples, what the environment changes.

    python3 Benchmarks/whole.py [--restore FILE] [--rounds 5]

Needs no PyTorch, and must not load it: a child's peak of memory is never told below what its parent had.
"""
import os
import statistics
import subprocess
import tempfile

from commands import ROOT, options, spread, timed, write_picture


def show_commands(arguments, folder):
    def enlarge(side, *flags):
        picture = os.path.join(folder, f"{side}.png")
        if not os.path.exists(picture):
            write_picture(picture, side, side)
        out = os.path.join(folder, "out.png")
        return [arguments.restore, "sr", "--scale", "4", "--model", arguments.model, picture, "-o", out, "--overwrite", "-q", *flags]

    commands = {
        "`restore --help`": [arguments.restore, "--help"],
        "start-up to the end of three steps of 64×64": [
            arguments.restore, "benchmark", "--model", arguments.model, "--size", "64", "--repeat", "1"],
        "`restore sr`, 128×128 to 512×512": enlarge(128),
        "`restore sr`, 256×256 to 1024×1024": enlarge(256),
    } | {
        f"`restore sr --precision {name}`, {side}×{side} to {4 * side}×{4 * side}": enlarge(side, "--precision", name)
        for name in ("int16", "int8") for side in (128, 256)
    }
    # int8 is refused where the processor has no VNNI.
    commands = {name: command for name, command in commands.items() if not subprocess.run(
        command, capture_output=True).returncode}
    results = {name: [] for name in commands}
    for _ in range(arguments.rounds):
        for name, command in commands.items():
            results[name].append(timed(command))
    print(f"\n## Whole commands\n\nDefault settings, {arguments.rounds} rounds in turns.\n")
    print("| command | seconds, median | quartiles | peak memory, MiB |\n|---|---|---|---|")
    for name, values in results.items():
        middle, between = spread([value[0] for value in values])
        print(f"| {name} | {middle:.3f} | {between} | {statistics.median(value[1] for value in values):.0f} |")

    print("\n## Time and pixels\n\nOne run each, two steps.\n")
    print("| output, megapixels | seconds | seconds a megapixel | peak memory, MiB |\n|---|---|---|---|")
    points = []
    for side in (80, 160, 256, 512, 768, 1250):
        wall, peak = timed(enlarge(side))
        points.append((16 * side * side * 1e-6, wall))
        print(f"| {points[-1][0]:.2f} | {wall:.2f} | {wall / points[-1][0]:.2f} | {peak:.0f} |")
    slope, start = statistics.linear_regression(*zip(*points))
    fit = statistics.correlation(*zip(*points)) ** 2
    print(f"\nFit: {start:.2f} s + {slope:.3f} s a megapixel, R² = {fit:.4f}.")

    print("\n## Memory, steps and samples\n\n512×512, peak in MiB.\n")
    print("| steps | samples | peak memory |\n|---|---|---|")
    for steps, samples in ((1, 1), (2, 1), (20, 1), (2, 8), (20, 8)):
        _, peak = timed(enlarge(128, "--steps", str(steps), "--samples", str(samples)))
        print(f"| {steps} | {samples} | {peak:.0f} |")


def show_environment(arguments, folder):
    """What a user, or we, could set from outside."""
    settings = {
        "nothing set": {},
        "threads bound to their cores, `OMP_PROC_BIND=true`": {"OMP_PROC_BIND": "true"},
        "threads sleep instead of spinning, `OMP_WAIT_POLICY=passive`": {"OMP_WAIT_POLICY": "passive"},
        "huge pages by libtorch, `THP_MEM_ALLOC_ENABLE=1`": {"THP_MEM_ALLOC_ENABLE": "1"},
        "huge pages by glibc, `GLIBC_TUNABLES=glibc.malloc.hugetlb=1`": {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"},
        "memory never given back to the system": {
            "GLIBC_TUNABLES": "glibc.malloc.mmap_threshold=1073741824:glibc.malloc.trim_threshold=4294967296"},
    }
    picture = os.path.join(folder, "256.png")
    command = [arguments.restore, "sr", "--scale", "4", "--model", arguments.model, picture, "-o",
               os.path.join(folder, "out.png"), "--overwrite", "-q", "--steps", "4"]
    results = {name: [] for name in settings}
    for _ in range(arguments.rounds):
        for name, environment in settings.items():
            results[name].append(timed(command, **environment)[0])
    print(f"\n## Threads and pages\n\n256×256 to 1024×1024, 4 steps, {arguments.rounds} rounds in turns.\n")
    print("| environment | seconds, median | quartiles | ratio |\n|---|---|---|---|")
    base = statistics.median(results["nothing set"])
    for name, values in results.items():
        middle, between = spread(values)
        print(f"| {name} | {middle:.3f} | {between} | {middle / base:.2f} |")


def main():
    arguments = options(__doc__, os.path.join(ROOT, "Sources/SR3/Models/sr3-x4.safetensors"), 7)
    with tempfile.TemporaryDirectory() as folder:
        show_commands(arguments, folder)
        show_environment(arguments, folder)


if __name__ == "__main__":
    main()
