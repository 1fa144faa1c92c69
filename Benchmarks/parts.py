"""Prints the parts of inference, timed from Swift by the harness in Benchmarks/Benchmarks/Parts.

    python3 Benchmarks/parts.py [--restore FILE]
"""
import os
import subprocess

from commands import ROOT, machine, options, sources_timed

COMMAND = "swift package --package-path Benchmarks benchmark --target Parts --grouping metric --format markdown --no-progress --path stdout"


def main():
    arguments = options(__doc__, None, None)
    print(f"{machine(arguments.restore)}.\n\n{sources_timed()}")
    print(f"\n    {COMMAND}\n")
    run = subprocess.run(COMMAND.split(), cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    print("| part | milliseconds, median | quartiles | repeats |\n|---|---|---|---|")
    count = 0
    for line in run.stdout.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        # The part with its unit; p0, p25, p50, p75, p90, p99, p100; how often.
        if len(cells) != 9 or not cells[0].startswith("Parts:"):
            continue
        name, _, unit = cells[0].removeprefix("Parts:").removesuffix(" *").rpartition(" ")
        assert unit == "(μs)", line
        low, middle, high = (int(cell) / 1000 for cell in cells[2:5])
        print(f"| {name} | {middle:.3f} | {low:.3f}–{high:.3f} | {cells[8]} |")
        count += 1
    assert count, run.stdout


if __name__ == "__main__":
    main()
