#!/bin/sh
# Super-resolves one picture four times: the user's own, named by IMAGE, or a drawn one.
set -eu
. "$(dirname "$0")/common.sh"

OUT=demo

main() {
    picture=${IMAGE:-}
    [ -z "$picture" ] || [ -f "$picture" ] || fail "IMAGE=$picture: there is no such file."
    build_release
    mkdir -p "$OUT"
    rm -f "$OUT/input.png" "$OUT/original.png" "$OUT/result.png" "$OUT/compare.png"
    [ -n "$picture" ] || render
    super_resolve
    report
}

render() {
    python=$(python_with_numpy) ||
        fail "drawing the demo picture needs Python's numpy: install it, or name a picture with IMAGE=photo.jpg."
    say "Drawing the demo picture"
    "$python" Scripts/render_demo.py --size 192x144 --hr "$OUT/original.png" "$OUT/input.png" ||
        fail "the demo picture could not be drawn; name one of your own with IMAGE=photo.jpg."
    picture=$OUT/input.png
}

# With a libtorch of the user's own there is no virtual environment, but perhaps a numpy.
python_with_numpy() {
    for candidate in "$VENV/bin/python" python3; do
        if have "$candidate" && "$candidate" -c 'import numpy' 2>/dev/null; then
            echo "$candidate"
            return 0
        fi
    done
    return 1
}

super_resolve() {
    say "Super-resolving $picture"
    "$BINARY" sr --scale 4 "$picture" -o "$OUT/result.png" --compare "$OUT/compare.png" ||
        fail "restore could not super-resolve $picture."
}

report() {
    say ""
    say "Result:       $ROOT/$OUT/result.png"
    say "Side by side: $ROOT/$OUT/compare.png (bicubic on the left, restore on the right)"
    if [ -f "$OUT/original.png" ]; then
        say "Original:     $ROOT/$OUT/original.png"
    fi
}

main
