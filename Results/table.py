#!/usr/bin/env python3
"""Prints the table of an eval or a sweep from the JSON file it left, as the command printed it.

    table.py FILE.JSON --command COMMAND --weights FILE [--protocol]
    table.py --digest FILE

With exit status 3 and no table where the file is missing, or was made by another command or with
other weights: it must then be measured anew. --digest prints that of weights, a file or the index of several.
"""
import argparse
import hashlib
import json
import math
import pathlib
import sys

DIGITS = {
    "psnr_rgb": 2, "psnr_y": 2, "gain_db": 2, "ssim_y": 4, "sfd": 4, "niqe": 3, "kid": 1,
    "lr_consistency_db": 1, "colour_shift": 3,
}


def number(value, digits):
    return str(value) if isinstance(value, str) else f"{value:.{digits}f}"


def cell(value, digits):
    mean = value.get("mean")
    if mean is None or (isinstance(mean, float) and math.isnan(mean)):
        return "–"
    half = value.get("ci95")
    return number(mean, digits) + (f" ± {number(half, digits)}" if half is not None else "")


def digest(weights):
    """SHA-256 of a file, or of an index and then the files that it names."""
    files = [weights]
    if weights.name.endswith(".index.json"):
        files += sorted({weights.with_name(part) for part in json.loads(weights.read_text())["weight_map"].values()})
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("file", type=pathlib.Path)
    parser.add_argument("--digest", action="store_true")
    parser.add_argument("--command")
    parser.add_argument("--weights", type=pathlib.Path)
    parser.add_argument("--protocol", action="store_true", help="print what each number is, too")
    arguments = parser.parse_args()
    if arguments.digest:
        print(digest(arguments.file))
        return
    if not arguments.command or not arguments.weights:
        parser.error("--command and --weights are needed")
    if not arguments.file.exists():
        sys.exit(3)
    measured = json.loads(arguments.file.read_text())
    if measured["command"] != arguments.command or measured["model"]["sha256"] != digest(arguments.weights):
        sys.exit(3)
    metrics = measured["metrics"]
    heads = [(m["title"] + " " + m["unit"]).strip() for m in metrics]
    titles = ["set", "method", *heads, "seconds"]
    print(f"| {' | '.join(titles)} |\n|{'---|' * len(titles)}")
    for row in measured["summary"]:
        cells = [cell(row["values"].get(m["name"], {}), DIGITS[m["name"]]) for m in metrics]
        print(f"| {' | '.join([row['set'], row['point']['label'], *cells, format(row['seconds'], '.2f')])} |")
    if arguments.protocol:
        print()
        for metric, head in zip(metrics, heads):
            print(f"{head}: {metric['protocol']}")


if __name__ == "__main__":
    main()
