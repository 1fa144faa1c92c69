#!/bin/sh
# Makes the machine ready for `swift build`: checks the tools, installs what the system lacks, and
# puts libtorch where Package.swift looks for it. Running it again repairs what is missing or half
# made, and takes no time when nothing is.
set -eu
. "$(dirname "$0")/common.sh"

TORCH_VERSION=2.13.0
# Written last, so that an interrupted installation is noticed.
STAMP=$VENV/.complete
WANTED="torch==$TORCH_VERSION numpy"
LOG=$DEPS/setup.log

main() {
    check_machine
    check_swift
    install_system_packages
    mkdir -p "$DEPS"
    take_lock
    case ${LIBTORCH:-} in
    "") use_own_libtorch ;;
    *) use_given_libtorch ;;
    esac
}

check_machine() {
    [ "$(uname -s)" = Linux ] || fail "restore builds on Linux only, and this is $(uname -s)."
}

check_swift() {
    if ! have swift || ! have swiftc; then
        fail "Swift is not on the PATH: install Swift 6.0 or later from https://www.swift.org/install and try again."
    fi
    version=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9][0-9]*\).*/\1/p' | head -n 1)
    [ "${version:-0}" -ge 6 ] ||
        fail "Swift 6.0 or later is needed, and $(command -v swift) is $(swift --version 2>/dev/null | head -n 1)."
}

# --- system packages ---------------------------------------------------------------------------

missing_packages() {
    have git || echo git
    have pkg-config || echo pkg-config
    have_header png.h libpng || echo libpng-dev
    have_header jpeglib.h libjpeg || echo libjpeg-dev
    have_header lcms2.h lcms2 || echo liblcms2-dev
    have_cxx_headers || echo g++
    if ! have python3; then
        echo python3 python3-venv
    elif ! [ -x "$VENV/bin/python" ] && ! python3 -c 'import ensurepip, venv' 2>/dev/null; then
        echo python3-venv
    fi
}

# Whether the compiler finds the header $1, which pkg-config knows as $2.
have_header() {
    if have pkg-config; then
        pkg-config --exists "$2"
    else
        [ -f "/usr/include/$1" ]
    fi
}

have_cxx_headers() {
    for file in /usr/include/c++/*/vector /usr/include/c++/v1/vector; do
        if [ -f "$file" ]; then return 0; fi
    done
    return 1
}

install_system_packages() {
    packages=$(missing_packages | tr '\n' ' ')
    packages=${packages% }
    if [ -z "$packages" ]; then return 0; fi
    have apt-get ||
        fail "please install what Debian calls $packages with this system's package manager and try again."
    if [ "$(id -u)" -eq 0 ]; then
        as_root=""
    elif have sudo && { [ -t 0 ] || sudo -n true 2>/dev/null; }; then
        as_root="sudo"
    else
        fail "please run 'apt-get install $packages' as root and try again."
    fi
    say "Installing $packages"
    # shellcheck disable=SC2086 # each is a list of words
    {
        $as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq &&
            $as_root env DEBIAN_FRONTEND=noninteractive \
                apt-get install -y -qq --no-install-recommends $packages </dev/null >/dev/null
    } || fail "apt-get could not install $packages: check the network connection, or install them by hand, and try again."
    still=$(missing_packages | tr '\n' ' ')
    [ -z "$still" ] || fail "${still% } still cannot be found after apt-get installed $packages."
}

# --- libtorch ----------------------------------------------------------------------------------

# Keeps two set-ups from writing to the same folder at once.
take_lock() {
    if have flock; then
        exec 9>"$DEPS/.lock"
        flock 9
    fi
}

use_given_libtorch() {
    is_libtorch "$LIBTORCH" ||
        fail "LIBTORCH is set to $LIBTORCH, which lacks include/ATen/ATen.h, include/torch, lib/libtorch_cpu.so or lib/libc10.so."
    # Later builds must find it without the variable, but never at the cost of what is there.
    if ! is_libtorch "$DEPS/libtorch"; then
        ln -sfn "$(cd "$LIBTORCH" && pwd)" "$DEPS/libtorch"
    fi
}

use_own_libtorch() {
    if is_ready; then return 0; fi
    install_torch
    link_libtorch
    is_ready || fail "libtorch is incomplete in $VENV although pip reported success: remove $DEPS and try again."
}

# File checks only: importing torch takes seconds.
is_ready() {
    is_libtorch "$DEPS/libtorch" || return 1
    # A link that leads outside .deps was made for a libtorch of the user's own.
    case $(readlink "$DEPS/libtorch") in
    /*) return 0 ;;
    esac
    [ -x "$VENV/bin/python" ] &&
        [ "$(cat "$STAMP" 2>/dev/null)" = "$WANTED" ] &&
        grep -q "__version__ = '${TORCH_VERSION}['+]" "$DEPS/libtorch/version.py"
}

install_torch() {
    check_python
    check_space
    say "Installing torch $TORCH_VERSION into .deps/venv: a large download, a few minutes the first time"
    : >"$LOG"
    if ! { make_venv && pip_install && venv_works; }; then
        # What an interrupted run or an upgraded Python left may be past repair.
        rm -rf "$VENV"
        make_venv ||
            fail "python3 could not make a virtual environment in $VENV; see $LOG."
        pip_install ||
            fail "pip could not install torch $TORCH_VERSION: check the network connection and pip's configuration (see $LOG), or set LIBTORCH to a libtorch folder."
        venv_works ||
            fail "torch $TORCH_VERSION was installed but cannot be loaded on this machine; see $LOG."
    fi
    printf '%s\n' "$WANTED" >"$STAMP"
}

check_python() {
    python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' ||
        fail "torch $TORCH_VERSION needs Python 3.10 or later, and $(command -v python3) is $(python3 --version 2>&1)."
}

check_space() {
    free=$(df -Pk "$DEPS" | awk 'NR == 2 { print int($4 / 1024) }')
    if [ -d "$VENV" ] || [ "$free" -ge 2048 ]; then return 0; fi
    fail "libtorch needs about 2 GB of disk, and $DEPS has $free MB left."
}

make_venv() {
    if [ -x "$VENV/bin/python" ] && "$VENV/bin/python" -m pip --version >/dev/null 2>&1; then
        return 0
    fi
    python3 -m venv --clear "$VENV" >>"$LOG" 2>&1
}

pip_install() {
    # shellcheck disable=SC2086 # a list of requirements
    "$VENV/bin/python" -m pip install --disable-pip-version-check --no-input $WANTED \
        </dev/null >>"$LOG" 2>&1
}

venv_works() { "$VENV/bin/python" -c 'import numpy, torch' >>"$LOG" 2>&1; }

# A relative link, so that the checkout can be moved.
link_libtorch() {
    for folder in "$VENV"/lib/python3*/site-packages/torch; do
        if is_libtorch "$folder"; then
            ln -sfn "${folder#"$DEPS/"}" "$DEPS/libtorch"
            return 0
        fi
    done
    fail "torch in $VENV has no C++ headers and libraries: remove $DEPS and try again."
}

main
