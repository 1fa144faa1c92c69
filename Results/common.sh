# What the scripts that remake the results share; read with `.` from the project's root.
: "${RESTORE_DATA:?set RESTORE_DATA to the folder that holds test/ and metrics/}"
RESTORE=${RESTORE:-.build/release/restore}
PYTHON=${PYTHON:-.deps/venv/bin/python}
RESTORE_DATA=$(cd "$RESTORE_DATA" && pwd)
export RESTORE_DATA
ROOT=$(pwd)
BINARY=$(cd "$(dirname "$RESTORE")" && pwd)/$(basename "$RESTORE")
NEW=$(mktemp)
SCRATCH=$(mktemp -d)
trap 'rm -rf "$NEW" "$SCRATCH"' EXIT
ln -s "$RESTORE_DATA" "$SCRATCH/data"
ln -s "$ROOT/Results" "$SCRATCH/Results"

# Runs restore in the scratch folder, so that the commands that are shown hold no path of this
# machine; `data` is a link to RESTORE_DATA there, `Results` one to this folder.
run() {
    printf '\n    restore %s\n\n' "$*"
    (cd "$SCRATCH" && "$BINARY" "$@")
}

# The file of the shipped weights of a name; of several files, their index.
shipped() {
    ls Sources/*/Models/"$1".safetensors Sources/*/Models/"$1".safetensors.index.json 2>/dev/null || true
}

# The line by which a test knows whether a page was made with the weights that ship: weights NAME
weights() {
    printf 'Weights: %s, SHA-256 %s.\n' "$1" "$("$PYTHON" Results/table.py --digest "$(shipped "$1")")"
}

# The table that a command left in a JSON file, if it was this command with the weights that ship, else
# false: measured FILE.JSON [--protocol] WORD... FRESH=1 has all measured anew.
measured() {
    file=$1
    shift
    flag=
    if [ "$1" = --protocol ]; then
        flag=$1
        shift
    fi
    case $2 in
    sr) model=$(shipped sr3-x4) ;;
    *) model=$(shipped deblur) ;;
    esac
    [ -z "${FRESH:-}" ] && "$PYTHON" Results/table.py "$file" $flag --command "restore $*" --weights "$model"
}

# An eval that leaves Results/NAME.json: evaluated NAME TASK FLAG... Up to an hour each: one that was made by
# the same command with the weights that ship is not measured again.
evaluated() {
    name=$1
    shift
    set -- eval "$@" --json "Results/$name.json"
    if table=$(measured "Results/$name.json" --protocol "$@"); then
        printf '\n    restore %s\n\n%s\n' "$*" "$table"
    else
        run "$@"
    fi
}

# A sweep into Results/NAME, of which the table is shown, measured as an eval is: sweep NAME TASK FLAG...
sweep() {
    name=$1
    shift
    set -- sweep "$@" -o "Results/$name"
    if table=$(measured "Results/$name/sweep.json" "$@"); then
        printf '\n    restore %s\n\n%s\n' "$*" "$table"
    else
        run "$@" | sed '/^curve.png/d; /report.html$/d'
    fi
    printf '\n![curve](%s/curve.png) The page with the pictures: [report.html](%s/report.html).\n' "$name" "$name"
}

# What functions of a script print, in their order, made LANES (2) at a time, as searches for blurs use one core:
# sections NAME... Each must name --threads 1, so that seconds mean the same whichever two meet.
sections() {
    jobs=
    lane=0
    while [ "$lane" -lt "${LANES:-2}" ]; do
        lane=$((lane + 1))
        (
            for name; do
                mkdir "$SCRATCH/$name.begun" 2>/dev/null || continue
                "$name" >"$SCRATCH/$name.md"
            done
        ) &
        jobs="$jobs $!"
    done
    for job in $jobs; do
        if ! wait "$job"; then
            kill $jobs 2>/dev/null || true
            return 1
        fi
    done
    for name; do cat "$SCRATCH/$name.md"; done
}

# The rendered picture as pairs to show, because no photograph of a test set may be copied here.
rendered_pairs() {
    mkdir -p "$SCRATCH/show/hr" "$SCRATCH/show/lr"
    "$PYTHON" Scripts/render_demo.py --size 192x144 --hr "$SCRATCH/show/hr/street.png" "$SCRATCH/show/lr/street.png"
    ln -sfn hr "$SCRATCH/show/sharp"
    (cd "$SCRATCH" && "$BINARY" degrade blur --kinds shake --extent 9,9 --noise 0.003 --seed 2 -q -o show/blur show/hr/street.png)
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
