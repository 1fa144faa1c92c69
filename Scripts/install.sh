#!/bin/sh
# install.sh install|uninstall: puts restore, its libraries, models and data under PREFIX, or takes
# away again exactly what it put there. DESTDIR, if set, goes before every path, for packagers.
set -eu

# Relative to where the user stands, not to the checkout.
PREFIX=${PREFIX:-/usr/local}
case $PREFIX in
/*) ;;
*) PREFIX=$(pwd)/$PREFIX ;;
esac
. "$(dirname "$0")/common.sh"

# Everything an installation wrote, relative to PREFIX, one path a line.
LIST=share/restore/installed-files
TARGET=${DESTDIR:-}$PREFIX

main() {
    case ${1:-} in
    install) install_all ;;
    uninstall) uninstall_all ;;
    *) fail "say install or uninstall." ;;
    esac
}

install_all() {
    make_ready
    mkdir -p "$TARGET/share/restore" 2>/dev/null && [ -w "$TARGET/share/restore" ] ||
        fail "$TARGET cannot be written to: run 'sudo make install', or choose another place with PREFIX=\$HOME/.local."
    remove_listed
    # The removal takes the folder away with the last file of an earlier installation.
    mkdir -p "$TARGET/share/restore"
    : >"$TARGET/$LIST"
    install_program
    install_data
    install_completions
    verify
    say "Installed $PREFIX/bin/restore"
}

# Under sudo the checkout stays the user's: what `make build` made is taken as it is.
make_ready() {
    if [ -n "${SUDO_USER:-}" ] && find_release; then return 0; fi
    if [ -n "${SUDO_USER:-}" ] && ! have swift; then
        fail "there is nothing built yet: run 'make build' without sudo first."
    fi
    Scripts/setup.sh
    build_release
}

# put FILE MODE PATH: copies FILE to PATH under the prefix and writes PATH down.
put() {
    mkdir -p "$TARGET/$(dirname "$3")"
    # Written down first, so that a failed copy is cleaned up too.
    printf '%s\n' "$3" >>"$TARGET/$LIST"
    install -m "$2" "$1" "$TARGET/$3" || fail "$1 could not be copied to $TARGET/$3."
}

# put_all PATTERN... FOLDER, for files that may be absent.
put_all() {
    folder=$1
    shift
    for file in "$@"; do
        if [ -f "$file" ]; then put "$file" 644 "$folder/$(basename "$file")"; fi
    done
}

install_program() {
    put "$BINARY" 755 bin/restore
    put "$ENGINE" 644 "lib/restore/$ENGINE_NAME"
    for file in "$TARGET/bin/restore" "$TARGET/lib/restore/$ENGINE_NAME"; do
        if have strip; then strip "$file"; fi
        drop_build_paths "$file"
    done
    libraries | while read -r library; do
        put "$library" 644 "lib/restore/$(basename "$library")"
    done
    for licence in "$VENV"/lib/python3*/site-packages/torch-*.dist-info/licenses/LICENSE; do
        if [ -f "$licence" ]; then put "$licence" 644 lib/restore/LICENSE.libtorch; fi
    done
}

# drop_build_paths FILE: what is installed must not look for libraries in somebody's checkout.
drop_build_paths() {
    if have python3; then
        python3 Scripts/trim_runpath.py "$1" || fail "the library search path of $1 could not be set."
    fi
}

# What the program loads and the system does not have: libtorch's libraries, through its own over them, and
# Swift's own where they could not be linked in.
libraries() {
    { ldd "$BINARY" && ldd "$ENGINE"; } | sed -n 's/^.* => \(\/.*\) (0x[0-9a-f]*)$/\1/p' | while read -r path; do
        case $path in
        */swift/linux/*) echo "$path" ;;
        /lib/* | /lib64/* | /usr/lib/* | /usr/lib64/*) ;;
        *) echo "$path" ;;
        esac
    done | sort -u
}

install_data() {
    put LICENSE 644 share/restore/LICENSE
    put_all share/restore/models Sources/SR3/Models/*.safetensors* Sources/Deblur/Models/*.safetensors* \
        Sources/SR3/Models/LICENSE-WEIGHTS.md
    put_all share/restore/metrics Sources/Metrics/Models/*.safetensors
    put_all share/restore/recipes Recipes/*.yaml Recipes/recipe.schema.json
    put_all share/restore/datasets Datasets/*.yaml
}

install_completions() {
    scratch=$(mktemp -d)
    for shell in bash zsh fish; do
        # The program in the checkout, because the installed one may lie under DESTDIR.
        "$BINARY" --generate-completion-script "$shell" >"$scratch/$shell" ||
            fail "restore could not write its $shell completions."
    done
    put "$scratch/bash" 644 share/bash-completion/completions/restore
    put "$scratch/zsh" 644 share/zsh/site-functions/_restore
    put "$scratch/fish" 644 share/fish/vendor_completions.d/restore.fish
    rm -rf "$scratch"
}

# Every library must be found, and none in the checkout.
verify() {
    found=$(ldd "$TARGET/bin/restore" && ldd "$TARGET/lib/restore/$ENGINE_NAME")
    case $found in
    *"not found"*) fail "the installed restore misses $(printf '%s\n' "$found" | awk '/not found/ { print $1; exit }')." ;;
    esac
    libraries | while read -r library; do
        name=$(basename "$library")
        printf '%s\n' "$found" | grep -q "^[[:space:]]*$name => $TARGET/.*lib/restore/$name" ||
            fail "the installed restore does not take $name from $PREFIX/lib/restore."
    done
}

uninstall_all() {
    [ -f "$TARGET/$LIST" ] || fail "there is no restore under $TARGET."
    [ -w "$TARGET/share/restore" ] || fail "$TARGET cannot be written to: run 'sudo make uninstall'."
    remove_listed
    say "Removed restore from $PREFIX"
}

# Removes what the list names, and the folders that this leaves empty.
remove_listed() {
    if ! [ -f "$TARGET/$LIST" ]; then return 0; fi
    while read -r path; do
        case $path in
        "" | /* | *..*) continue ;;
        esac
        rm -f "$TARGET/$path"
    done <"$TARGET/$LIST"
    rm -f "$TARGET/$LIST"
    for folder in lib/restore share/restore/models share/restore/metrics share/restore/recipes \
        share/restore/datasets share/restore; do
        rmdir "$TARGET/$folder" 2>/dev/null || true
    done
}

main "$@"
