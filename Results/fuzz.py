#!/usr/bin/env python3
"""Writes Results/fuzz.md from the logs of Scripts/fuzz.sh.

usage: fuzz.py LOG-FOLDER OUTPUT

What OUTPUT says of harnesses that have no log there is kept.
"""

import pathlib
import re
import sys

HEAD = """# Fuzzing

What `Results/remake-fuzz.sh` found: each reader of files from strangers under libFuzzer with the address
sanitizer, and the undefined-behaviour sanitizer in C; see `Tests/Fuzzing/README.md`. A row is the end of
a log; a run in parts, each going on with the corpus of the last, is their sum. Coverage counts edges of
the instrumented code. The digest is that of the sources which ran; where `Scripts/fuzz.sh --digest HARNESS` prints
another, the row is out of date. After a finding the defect is mended and its harness starts again from nothing.

| harness | executions | seconds | coverage | corpus | peak memory, MB | findings | sources |
|---|---:|---:|---:|---:|---:|---:|---|
"""


def row(log):
    text = log.read_text(errors="replace")

    def last(pattern):
        found = re.findall(pattern, text)
        return found[-1] if found else "?"

    parts = [int(count) for count in re.findall(r"number_of_executed_units: (\d+)", text)]
    executions = str(sum(parts)) if parts else "?"
    digest = last(r"sources: (\w+)")
    findings = len(re.findall(r"Test unit written to", text))
    seconds = last(r"Done \d+ runs in (\d+) second")
    rates = [int(rate) for rate in re.findall(r"average_exec_per_sec: +(\d+)", text)]
    if (seconds == "?" or len(parts) > 1) and rates and all(rates):
        # A part that was interrupted tells its rate alone.
        seconds = f"about {round(sum(count / rate for count, rate in zip(parts, rates)))}"
    cells = [
        f"`{log.stem}`",
        executions,
        seconds,
        last(r" cov: (\d+)"),
        last(r" corp: (\d+)/"),
        last(r"peak_rss_mb: +(\d+)"),
        str(findings),
        f"`{digest}`",
    ]
    return "| " + " | ".join(cells) + " |\n"


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    order = ["png", "jpeg", "metadata", "safetensors", "checkpoint", "recipe"]
    logs = {log.stem: log for log in pathlib.Path(sys.argv[1]).glob("*.log")}
    output = pathlib.Path(sys.argv[2])
    earlier = output.read_text() if output.exists() else ""

    def kept(name, pattern):
        found = re.search(pattern.format(name), earlier, re.MULTILINE)
        return found.group() if found else ""

    rows, tails = [], []
    for name in order:
        if name not in logs:
            rows.append(kept(name, r"^\| `{}` .*\n"))
            tails.append(kept(name, r"^{}\n(  .*\n)+").rstrip("\n"))
            continue
        rows.append(row(logs[name]))
        lines = logs[name].read_text(errors="replace").splitlines()
        last = [line for line in lines if re.match(r"#\d+\s+DONE|Done |stat::", line)]
        tails.append(f"{name}\n" + "\n".join("  " + line for line in last[-7:]))
    body = HEAD + "".join(rows) + "\nThe last lines of the logs:\n\n```\n" + "\n".join(tails) + "\n```\n"
    output.write_text(body)


main()
