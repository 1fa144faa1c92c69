#!/usr/bin/env python3
"""Short trials of training, one change each, and their table in Results/training-notes.md.

    ablations.py run --data DIR --runs DIR [--restore FILE] [--at-once N]
    ablations.py table

`run` trains each trial with one thread, N at once, and measures it on Set14 with `restore eval`. Its
numbers go into Results/ablations.jsonl under a digest of recipe and settings; a trial that is there with
the same digest is not run again. `table` prints what is there.
"""
import argparse
import concurrent.futures
import csv
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
STORE = ROOT / "Results/ablations.jsonl"
RECIPE = "Recipes/sr3-x4.yaml"
# What all trials change of the recipe: 300 steps of 16 patches of 96×96.
COMMON = {
    "budget.steps": "300", "budget.minutes": "600", "budget.validationMinutes": "600",
    "optimizer.warmupSteps": "40", "optimizer.emaDecay": "0.99",
}
# question → (name, what it is, what it changes)
TRIALS = {
    "Run to run": [
        ("base", "the recipe, short", {}),
        ("seed-2", "another seed", {"seed": "2"}),
    ],
    "What is predicted": [
        ("noise", "noise ε", {"model.parameterization": "noise"}),
    ],
    "Loss": [
        ("l2", "L2", {"objective.loss": "l2"}),
        ("min-snr", "L1, min-SNR 5", {"objective.minSNR": "5"}),
    ],
    "Network": [
        ("norm", "group normalisation", {"model.network.norm": "group"}),
        ("patch-2", "patch 2, base 32: about as many operations",
         {"model.network.patchSize": "2", "model.network.baseWidth": "32"}),
    ],
    "Optimiser": [
        ("muon", "Muon 7e-4", {"optimizer.method": "muon", "optimizer.learningRate": "7.0e-4"}),
        ("lr-high", "learning rate 1e-3", {"optimizer.learningRate": "1.0e-3"}),
        ("batch-32", "batch 32, 150 steps",
         {"optimizer.batchSize": "32", "budget.steps": "150", "optimizer.warmupSteps": "20"}),
        ("lr-low", "learning rate 2.5e-4", {"optimizer.learningRate": "2.5e-4"}),
        ("batch-8", "batch 8, 600 steps",
         {"optimizer.batchSize": "8", "budget.steps": "600", "optimizer.warmupSteps": "80"}),
    ],
    "Average of weights": [
        ("ema-long", "decay 0.999", {"optimizer.emaDecay": "0.999"}),
        ("ema-short", "decay 0.9", {"optimizer.emaDecay": "0.9"}),
    ],
    "Three times as long": [
        ("base-900", "the recipe, 900 steps", {"budget.steps": "900"}),
        ("norm-900", "group normalisation, 900 steps", {"budget.steps": "900", "model.network.norm": "group"}),
    ],
}
STEPS = (2, 10)


def settings(changes):
    return [f"{key}={value}" for key, value in (COMMON | changes).items()]


def digest(changes):
    """Of what a trial is, whatever the recipe's comments say."""
    lines = (re.sub(r"(^|\s+)#.*", "", line) for line in (ROOT / RECIPE).read_text().splitlines())
    text = "\n".join(filter(None, lines)) + json.dumps(settings(changes))
    return hashlib.sha256(text.encode()).hexdigest()


def stored():
    lines = STORE.read_text().splitlines() if STORE.exists() else []
    return {row["trial"]: row for row in map(json.loads, lines)}


def store(row):
    rows = stored() | {row["trial"]: row}
    temporary = STORE.with_suffix(".tmp")
    temporary.write_text("".join(json.dumps(row, sort_keys=True) + "\n" for row in rows.values()))
    os.replace(temporary, STORE)


def quiet(command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stderr}")


def trained(arguments, changes, folder):
    """Trains, and returns what the run's last validation says."""
    command = [arguments.restore, "train", ROOT / RECIPE, "--data", arguments.data]
    command += ["--output", folder, "--threads", "1"]
    for setting in settings(changes):
        command += ["--set", setting]
    start = time.monotonic()
    quiet(command)
    seconds = time.monotonic() - start
    last = list(csv.DictReader((folder / "validation.csv").open()))[-1]
    return {
        "samples": int(last["samples"]), "seconds": round(seconds),
        "held_out_mean": float(last["psnr_mean"]), "held_out_sample": float(last["psnr_sample"]),
    }


def measured(arguments, folder):
    """PSNR-Y and SFD of one sample of each picture of Set14."""
    weights, out = folder / "sr3-x4.safetensors", folder / "eval.json"
    quiet([arguments.restore, "eval", "sr", "--model", weights, "--sets", "set14", "--threads", "1",
           "--data", arguments.data, "--steps", ",".join(map(str, STEPS)), "--json", out])
    numbers = {}
    for row in json.loads(out.read_text())["summary"]:
        name = f"steps_{row['point']['steps']}" if "steps" in row["point"] else row["point"]["label"]
        numbers[name] = {key: row["values"][key]["mean"] for key in ("psnr_y", "sfd")}
    return numbers


def run(arguments):
    lock = threading.Lock()

    def one(trial):
        name, _, changes = trial
        if stored().get(name, {}).get("digest") == digest(changes):
            return
        folder = pathlib.Path(arguments.runs) / name
        shutil.rmtree(folder, ignore_errors=True)
        row = {"trial": name, "digest": digest(changes)} | trained(arguments, changes, folder)
        row["set14"] = measured(arguments, folder)
        with lock:
            store(row)
        print(name, json.dumps(row), flush=True)

    trials = [trial for group in TRIALS.values() for trial in group]
    with concurrent.futures.ThreadPoolExecutor(arguments.at_once) as pool:
        list(pool.map(one, trials))


def table(_):
    rows = stored()
    heads = ["trial", "held out: mean dB", "sample dB"]
    for steps in STEPS:
        heads += [f"Set14, {steps} steps: PSNR-Y dB", "SFD"]
    heads += ["patches", "seconds"]
    for question, trials in TRIALS.items():
        print(f"\n### {question}\n\n| {' | '.join(heads)} |\n|{'---|' * len(heads)}")
        base = TRIALS["Run to run"][0]
        for name, title, changes in trials if trials[0] == base else [base, *trials]:
            row = rows.get(name)
            if row is None or row["digest"] != digest(changes):
                sys.exit(f"{name} was not run with these settings: ablations.py run")
            cells = [title, f"{row['held_out_mean']:.2f}", f"{row['held_out_sample']:.2f}"]
            for steps in STEPS:
                point = row["set14"][f"steps_{steps}"]
                cells += [f"{point['psnr_y']:.2f}", f"{point['sfd']:.3f}"]
            print(f"| {' | '.join([*cells, str(row['samples']), str(row['seconds'])])} |")
    print("\nThe command of a trial, with what its row changes:\n")
    print(f"    restore train {RECIPE} --data DIR --output RUN --threads 1 \\")
    print("        " + " ".join(f"--set {setting}" for setting in settings({})))
    print("\n| trial | further --set |\n|---|---|")
    for trials in TRIALS.values():
        for _, title, changes in trials:
            if changes:
                print(f"| {title} | `{' '.join(f'{key}={value}' for key, value in changes.items())}` |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("run")
    command.add_argument("--data", required=True)
    command.add_argument("--runs", required=True)
    command.add_argument("--restore", default=str(ROOT / ".build/release/restore"))
    command.add_argument("--at-once", type=int, default=2)
    command.set_defaults(call=run)
    commands.add_parser("table").set_defaults(call=table)
    arguments = parser.parse_args()
    arguments.call(arguments)


if __name__ == "__main__":
    main()
