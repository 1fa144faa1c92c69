#!/bin/sh
# Remakes the tables and pictures of the deblurring model from the shipped weights:
#     RESTORE_DATA=DIR Results/remake-deblur.sh
# DIR holds test/bsd100, test/set14, test/levin09, test/gopro-val and metrics/ as described in
# Datasets/. deblur*-curve.csv are the validation.csv of the runs; all else is measured anew.
set -eu
cd "$(dirname "$0")/.."
. Results/common.sh
rendered_pairs

# Shell patterns in the shown command, expanded in the scratch folder.
blur() {
    printf '\n    restore degrade blur %s\n' "$*"
    (cd "$SCRATCH" && eval "\"$BINARY\" degrade blur $*")
}

# Each of these sections is made on one core, so that two can be made at a time.
measure() { run eval deblur "$@" --threads 1; }

bsd100() {
    printf '\n## Synthetic motion blur, BSD100\n\n'
    printf 'Shake and linear motion of 5 to 25 pixels, noise of up to 1 %% of white, all 100 pictures:\n'
    printf '%s\n' "$bsd100_blurred"
    evaluated deblur-bsd100 deblur --blurred bsd100-blurred --sharp data/test/bsd100/hr \
        --samples 1,2,4,8,16 --csv Results/deblur-bsd100.csv --threads 1
}

lengths() {
    printf '\n## By the length of the motion\n\nThe first 12 pictures, eight samples.\n'
    for extent in 2,5 5,10 10,25; do
        blur --extent $extent --noise 0,0.005 --seed 1 -q -o motion-$extent 'data/test/bsd100/hr/*.png'
        measure --blurred motion-$extent --sharp data/test/bsd100/hr --samples 8 --limit 12
    done
}

kinds() {
    printf '\n## By the kind of motion, and after JPEG\n\nThe first 40 pictures.\n'
    for kind in linear shake; do
        blur --kinds $kind --seed 1 -q -o $kind --kernels $kind-kernels 'data/test/bsd100/hr/*.png'
        measure --blurred $kind --sharp data/test/bsd100/hr --samples 1 --limit 40
        measure --blurred $kind --sharp data/test/bsd100/hr --samples 1 --limit 40 --kernels $kind-kernels
    done
    blur --jpeg 75,95 --seed 1 -q -o jpeg 'data/test/bsd100/hr/*.png'
    measure --blurred jpeg --sharp data/test/bsd100/hr --samples 1 --limit 40
}

long_motion() {
    printf '\n## Motion longer than what the networks learnt from\n\nShake of 30 to 41 pixels, of the sharp pictures of gopro-val, 1280×720, by two seeds.\n'
    for seed in 1 2; do
        blur --kinds shake --extent 30,41 --noise 0,0.005 --seed $seed -q -o long-$seed 'data/test/gopro-val/sharp/*.png'
        measure --blurred long-$seed --sharp data/test/gopro-val/sharp --samples 1,8
    done
}

places() {
    printf '\n## Motion that differs from place to place\n\nThe camera moves, turns and nears. Set14, of which some pictures are large enough for several kernels.\n'
    blur --kinds scene --seed 1 -q -o scene 'data/test/set14/hr/*.png'
    measure --blurred scene --sharp data/test/set14/hr --samples 1,8
}

defocus() {
    printf '\n## Defocus\n\nThe first 12 pictures.\n'
    blur --kinds defocus,gaussian --noise 0,0.005 --seed 1 -q -o defocus 'data/test/bsd100/hr/*.png'
    measure --blurred defocus --sharp data/test/bsd100/hr --samples 1,8 --limit 12
}

captures() {
    printf '\n## Real blur\n\nCaptures and sharp pictures of levin09 are displaced against each other, and a shift of a kernel\n'
    printf 'cannot be told from one of the picture: each output is aligned by itself, as is the custom with this set.\n'
    evaluated deblur-levin09 deblur --sets levin09 --align 12 --samples 1,8 --threads 1
    evaluated deblur-gopro-val deblur --sets gopro-val --samples 1,8 --threads 1
    printf '\nThe pictures of gopro-val are means of 8 and 10 frames, of which none is in the middle: the sharp one was taken half a\n'
    printf "frame's time beside it, which at 20 to 40 pixels of motion is a pixel or two. With each output aligned by itself:\n"
    measure --sets gopro-val --align 4 --samples 1,8
}

ways() {
    printf '\n## The blur looked for in fewer ways, and in more\n\nWhere the spectrum is not sure, all tables above look for the blur in three ways: by edges, by\n'
    printf 'the spectrum, as straight motion or defocus, and by edges nearer to light. One way is the first alone then; the fourth looks with rows and columns exchanged.\n'
    for count in 1 2 4; do
        measure --blurred bsd100-blurred --sharp data/test/bsd100/hr --samples 1 --blur-estimates $count
        measure --sets levin09 --align 12 --samples 1 --blur-estimates $count
    done
}

light() {
    printf '\n## The blur divided out of stored values alone\n\nA blur adds up light, of which pictures store about the root; elsewhere predictions tell of which power of stored values it is divided out.\n'
    measure --blurred bsd100-blurred --sharp data/test/bsd100/hr --samples 1,8 --light-exponent 1
    measure --blurred bsd100-blurred --sharp data/test/bsd100/hr --samples 1 --kernels bsd100-kernels --light-exponent 1
}

highlights() {
    printf '\n## Highlights that were clipped\n\nWhere a photograph is white there was often more light than a sensor holds, and blur smears it. The first 40 pictures of shake,\n'
    printf 'white in them 1.5 to 6 times as bright; without and with the kernels known, to be compared with shake above.\n'
    blur --kinds shake --highlights 1.5,6 --seed 1 -q -o highlights --kernels highlights-kernels 'data/test/bsd100/hr/*.png'
    measure --blurred highlights --sharp data/test/bsd100/hr --samples 1 --limit 40
    measure --blurred highlights --sharp data/test/bsd100/hr --samples 1 --limit 40 --kernels highlights-kernels
}

known() {
    printf '\n## The blur known\n\nHow far the networks would come if the blur were always found: with the kernels that the pictures were blurred by.\n'
    measure --blurred bsd100-blurred --sharp data/test/bsd100/hr --samples 1,8 --kernels bsd100-kernels
}

poses() {
    printf '\n## The picture in several poses\n\nBlur and prediction of the picture as it is, mirrored and turned, and the mean of them:\n'
    measure --blurred bsd100-blurred --sharp data/test/bsd100/hr --samples 1,8 --self-ensemble 4
}

real_poses() {
    measure --sets levin09 --align 12 --samples 1,8 --self-ensemble 4
    for count in 2 4; do measure --sets gopro-val --samples 1,8 --self-ensemble $count; done
}

sharp() {
    printf '\n## Sharp photographs\n\nNothing to do, and nothing should be done: input and original are the same file.\n'
    measure --blurred data/test/bsd100/hr --sharp data/test/bsd100/hr --samples 1,8 --limit 20
}

trade() {
    printf '\n## The perception-distortion trade, on half of Set14\n'
    printf '%s\n' "$set14_blurred"
    sweep deblur-sweep deblur --blurred set14-blurred --sharp data/test/set14/hr \
        --limit 7 --steps 1,2,3,5,10,20,50 --samples 1,2,4,8 --threads 1 --show show
}

knob() {
    printf '\nThe knob `--perception`:\n'
    measure --blurred set14-blurred --sharp data/test/set14/hr --limit 7 --perception 0,0.25,0.5,0.75,1
}

{
    cat Results/deblur.head.md
    printf '\n'
    weights deblur
    # What several sections look at.
    bsd100_blurred=$(blur --seed 1 -q -o bsd100-blurred --kernels bsd100-kernels 'data/test/bsd100/hr/*.png')
    set14_blurred=$(blur --seed 1 -q -o set14-blurred 'data/test/set14/hr/*.png')
    sections bsd100 lengths long_motion kinds places defocus captures ways light highlights known poses real_poses sharp trade knob
    printf '\n## Speed and memory\n'
    printf '\n    %s\n\n' "python Benchmarks/deblur.py"
    "$PYTHON" Benchmarks/deblur.py --restore "$RESTORE"
    printf '\n## Quality against training samples\n'
    printf '\nRGB PSNR in dB on the held-out photographs of the recipe. ![curve](deblur-curve.svg)\n'
    printf '\nThe shipped run (Muon), first without deconvolution:\n\n'
    curve Results/deblur-curve.csv
    printf '\nThen with it, from the weights that were shipped before:\n\n'
    curve Results/deblur-deconvolution-curve.csv
    printf '\nThe same recipe with AdamW at a rate of 5e-4, stopped early; compare at equal samples:\n\n'
    curve Results/deblur-adamw-curve.csv
    cat Results/deblur.tail.md
} >"$NEW"
"$PYTHON" Results/curve.py Results/deblur*-curve.csv >Results/deblur-curve.svg
"$PYTHON" Results/side_by_side.py deblur --restore "$RESTORE" >/dev/null
cp "$NEW" Results/deblur.md
