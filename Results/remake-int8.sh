#!/bin/sh
# Remakes Results/int8.md, in five minutes, on a processor with VNNI:
#     RESTORE_DATA=DIR Results/remake-int8.sh
# DIR holds test/bsd100, test/levin09, test/gopro-val and metrics/ as described in Datasets/.
set -eu
cd "$(dirname "$0")/.."
. Results/common.sh

# Pictures of both precisions beside each other: both TASK FLAG... PICTURE...
both() {
    folder=$1
    shift
    printf '\n    restore %s -o exact\n    restore %s --precision int8 -o rounded\n' "$1 $folder/*.png" "$1 $folder/*.png"
    (cd "$SCRATCH" && rm -rf exact rounded && "$BINARY" "$@" -q "$folder"/*.png -o exact &&
        "$BINARY" "$@" -q --precision int8 "$folder"/*.png -o rounded)
    # Of the pictures only the one that differs most.
    run metrics rounded exact --metrics psnr,ssim,sfd | awk -F '|' '
        /^Protocol/ { next }
        $4 ~ /^ [0-9.]+ $/ && !/mean of/ { if (!least || $4 + 0 < least) { least = $4 + 0; worst = $0 }; next }
        /mean of/ { print worst }
        { print }'
}

{
    cat Results/int8.head.md
    printf '\n'
    weights Sources/SR3/Models/sr3-x4.safetensors
    weights Sources/Deblur/Models/deblur.safetensors
    "$PYTHON" -c "import sys; sys.path.insert(0, 'Benchmarks'); import commands; print(commands.sources_timed())"
    printf '\n## Super-resolution, against the originals\n'
    run eval sr --sets bsd100
    run eval sr --sets bsd100 --precision int8
    printf '\n## Super-resolution, against float32\n'
    both data/test/bsd100/lr_x4 sr
    printf '\n## Deblurring, against the originals\n'
    run eval deblur --sets levin09 --align 12
    run eval deblur --sets levin09 --align 12 --precision int8
    printf '\n## Deblurring, against float32\n'
    both data/test/gopro-val/blur deblur
    printf '\n## Time\n\nOne denoiser step and whole commands beside PyTorch are in [benchmarks.md](benchmarks.md).\n'
    cat Results/int8.tail.md
} >"$NEW"
cp "$NEW" Results/int8.md
