#!/bin/sh
# Make .venv and install into it what a command of the Makefile needs; a stamp says that this was done.
#
#   scripts/environment.sh base     the package: no napari, no compiler
#   scripts/environment.sh napari   the package in napari
#   scripts/environment.sh dev      all that tests and checks need: napari, pytest, ruff, mypy, pydensecrf
#   scripts/environment.sh docs     what builds the site: napari, whose docks are documented, and Sphinx
set -eu
cd "$(dirname "$0")/.."
wanted=$1
qt=${QT:-pyqt6}
but=
# PySide6 6.12.0 miscounts references to None on Python 3.11, without any code of ours, and ends the process.
[ "$qt" != pyside6 ] || but="PySide6!=6.12.0"

new_enough='import sys; sys.exit(sys.version_info < (3, 11))'

find_python() {
    for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11 python3.14 python}; do
        if "$candidate" -c "$new_enough" >/dev/null 2>&1; then
            command -v "$candidate"
            return
        fi
    done
    echo "Python 3.11 or newer is needed; ${PYTHON:-python3} is older or missing. Install it, or name one: PYTHON=..." >&2
    return 1
}

make_venv() {
    python=$(find_python)
    echo "Making .venv with $("$python" --version)"
    # Debian ships Python without the module that puts pip into an environment.
    "$python" -c 'import ensurepip' 2>/dev/null || scripts/system-packages.sh \
        "$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"
    "$python" -m venv .venv
    .venv/bin/python -m pip install --quiet --upgrade 'pip>=25.1'  # the first that knows dependency groups
}

pip_install() {
    .venv/bin/python -m pip install --quiet --disable-pip-version-check "$@"
}

# pydensecrf is compiled here and builds on Linux with Python up to 3.12 only; the tests know its stored answers too.
wants_pydensecrf() {
    [ "$(uname)" = Linux ] && .venv/bin/python -c 'import sys; sys.exit(sys.version_info >= (3, 13))'
}

can_compile() {
    command -v g++ >/dev/null && .venv/bin/python -c '
import pathlib, sys, sysconfig
sys.exit(not (pathlib.Path(sysconfig.get_path("include")) / "Python.h").exists())'
}

.venv/bin/python -c "$new_enough" 2>/dev/null && .venv/bin/python -m pip --version >/dev/null 2>&1 || {
    make_venv  # it is missing, or an interrupted run left it half made
}

case $wanted in
base)
    echo "Installing the package into .venv (a minute the first time)"
    pip_install --editable .
    ;;
napari)
    scripts/system-packages.sh display
    echo "Installing the package and napari with $qt into .venv (some minutes the first time)"
    pip_install --editable . "napari[$qt]" ${but:+"$but"}
    ;;
dev)
    scripts/system-packages.sh display xvfb
    package=.
    if wants_pydensecrf; then
        can_compile || scripts/system-packages.sh compiler \
            "$(.venv/bin/python -c 'import sys; print("python%d.%d-dev" % sys.version_info[:2])')"
        if can_compile; then package='.[pydensecrf]'; fi
    fi
    echo "Installing $package, napari with $qt and the tools into .venv (some minutes the first time)"
    pip_install --editable "$package" "napari[$qt]" ${but:+"$but"} --group dev
    if wants_pydensecrf && ! can_compile; then
        echo "Going on without pydensecrf, which needs a compiler; the tests that compare with it are left out."
        exit 0  # without the stamp: the next run tries again
    fi
    ;;
docs)
    scripts/system-packages.sh display
    echo "Installing the package, napari with $qt and Sphinx into .venv (some minutes the first time)"
    pip_install --editable ".[docs]" "napari[$qt]"
    ;;
*)
    echo "scripts/environment.sh knows base, napari, dev and docs, not '$wanted'." >&2
    exit 2
    ;;
esac
touch ".venv/.made-$wanted"
