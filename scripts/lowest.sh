#!/bin/sh
# Run the tests with the lowest versions that pyproject.toml allows, in an environment of their own. Needs uv.
#
#   scripts/lowest.sh core     without napari, which would raise some of them
#   scripts/lowest.sh napari   the plugin, in the oldest napari
#
# What follows is for pytest, such as -x.
set -eu
cd "$(dirname "$0")/.."
wanted=$1
shift
environment=build/lowest-$wanted
python=$environment/bin/python

uv venv --quiet --clear --python 3.11 "$environment"
install="uv pip install --python $python --resolution lowest-direct --editable ."

case $wanted in
core)
    $install --group core
    # Left out is what needs napari, and what writes images of few bits, for which imagecodecs is needed from 2026.3.6 on.
    exec "$python" -m pytest tests --ignore tests/plugin --ignore tests/test_manifest.py --ignore tests/test_packaging.py \
        --ignore tests/test_window_benchmarks.py --ignore tests/io/lazy/test_writing.py \
        -k "not few_bits_are_ids and not twelve_bits_are_kept and not with_and_without_the_dock" "$@"
    ;;
napari)
    scripts/system-packages.sh display xvfb
    $install "napari[pyqt6]" --group test
    exec scripts/on-a-display.sh "$python" -m pytest tests/plugin tests/test_manifest.py tests/io/lazy/test_writing.py "$@"
    ;;
*)
    echo "scripts/lowest.sh knows core and napari, not '$wanted'." >&2
    exit 2
    ;;
esac
