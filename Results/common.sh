# What the scripts that remake the results share; read with `.` from the project's root.
: "${RESTORE_DATA:?set RESTORE_DATA to the folder that holds test/ and metrics/}"
RESTORE=${RESTORE:-.build/release/restore}
PYTHON=${PYTHON:-.deps/venv/bin/python}

# Prints a command as a code block, then its output.
shown() {
    printf '\n    %s\n\n' "$*"
    "$@"
}

run() {
    shown "$RESTORE" "$@"
}

# The validation curve of a run as a table: curve CSV
curve() {
    "$PYTHON" - "$@" <<'PY'
import csv, sys
rows = list(csv.DictReader(open(sys.argv[1])))
names = [name for name in rows[0] if name.startswith("psnr_")]
print("| training samples | loss |" + "".join(f" PSNR {name[5:]} |" for name in names))
print("|---|---|" + "---|" * len(names))
for row in rows:
    print(f"| {row['samples']} | {row['loss']} |" + "".join(f" {row[name]} |" for name in names))
PY
}
