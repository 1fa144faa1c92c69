#!/bin/sh
# Remakes Results/integers.md, in five minutes, on a processor with VNNI:
#     RESTORE_DATA=DIR Results/remake-integers.sh
# DIR holds test/bsd100, test/levin09, test/gopro-val and metrics/ as described in Datasets/.
set -eu
cd "$(dirname "$0")/.."
. Results/common.sh

# Pictures of all precisions beside each other: beside FOLDER TASK
beside() {
    printf '\n    restore %s %s/*.png -o float32\n' "$2" "$1"
    (cd "$SCRATCH" && rm -rf float32 int16 int8 && "$BINARY" "$2" -q "$1"/*.png -o float32)
    for precision in int16 int8; do
        printf '    restore %s %s/*.png --precision %s -o %s\n' "$2" "$1" $precision $precision
        (cd "$SCRATCH" && "$BINARY" "$2" -q --precision $precision "$1"/*.png -o $precision)
    done
    # Of the pictures only the one that differs most.
    for precision in int16 int8; do
        run metrics $precision float32 --metrics psnr,ssim,sfd | awk -F '|' '
            /^Protocol/ { next }
            $4 ~ /^ [0-9.]+ $/ && !/mean of/ { if (!least || $4 + 0 < least) { least = $4 + 0; worst = $0 }; next }
            /mean of/ { print worst }
            { print }'
    done
}

{
    cat Results/integers.head.md
    printf '\n'
    weights sr3-x4
    weights deblur
    "$PYTHON" -c "import sys; sys.path.insert(0, 'Benchmarks'); import commands; print(commands.sources_timed())"
    printf '\n## Super-resolution, against the originals\n'
    for precision in float32 int16 int8; do
        run eval sr --sets bsd100 --precision $precision
    done
    printf '\n## Super-resolution, against float32\n'
    beside data/test/bsd100/lr_x4 sr
    printf '\n## Deblurring, against the originals\n'
    for precision in float32 int16 int8; do
        run eval deblur --sets levin09 --align 12 --precision $precision
    done
    printf '\n## Deblurring, against float32\n'
    beside data/test/gopro-val/blur deblur
    printf '\n## Time\n\nOne denoiser step and whole commands beside PyTorch are in [benchmarks.md](benchmarks.md).\n'
    cat Results/integers.tail.md
} >"$NEW"
cp "$NEW" Results/integers.md
