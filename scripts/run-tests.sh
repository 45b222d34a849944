#!/usr/bin/env bash
# Run the tests with the Python that is given, in pieces: four at a time, as tests of windows and of processes wait much.
# Whoever is done with a piece takes the next one, on a virtual display of its own, as two windows on one display would
# take the keyboard from each other.
#
#   scripts/run-tests.sh PYTHON          all
#   scripts/run-tests.sh PYTHON FOLDER   the pieces that nobody has taken yet, as FOLDER says
set -u
unset PYTHONDONTWRITEBYTECODE # some containers set it: every process would compile each module anew
# Threads of OpenMP (of napari) and OpenBLAS wait for each other by spinning, which takes a fifth of the time of few cores.
export OMP_WAIT_POLICY=passive OPENBLAS_NUM_THREADS=1
python=$1
scripts=$(dirname "$0")

apart=(
    "tests/plugin/layers tests/plugin/test_*.py"
    "tests/cli"
    "tests/test_[m-z]*.py"
    "tests/test_[a-l]*.py"
    "tests/plugin/series"
    "tests/plugin/jobs"
    "tests/plugin/result"
    "tests/plugin/controls"
)
# shellcheck disable=SC2068 # these are words and patterns
others=$(printf -- '--ignore=%s ' ${apart[@]})
pieces=("$others" "${apart[@]}") # the longest first

take_pieces() {
    for number in "${!pieces[@]}"; do
        mkdir "$1/$number" 2>/dev/null || continue # taken
        # shellcheck disable=SC2086 # again words and patterns
        "$python" -m pytest ${pieces[number]} >"$1/$number/printed" 2>&1 && touch "$1/$number/passed"
        cat "$1/$number/printed"
    done
}

if [ $# -gt 1 ]; then
    take_pieces "$2"
    exit
elif [ -n "${DISPLAY:-}" ] || ! command -v xvfb-run >/dev/null; then
    exec "$scripts/on-a-display.sh" "$python" -m pytest
fi

folder=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null; rm -rf "$folder"' EXIT
"$python" -c "from napari_coarse_crf import warm_up; warm_up()" # or each piece would compile the same
echo "They run in ${#pieces[@]} pieces, each of which prints when it is done"
for _ in 1 2 3 4; do
    "$scripts/on-a-display.sh" "$0" "$python" "$folder" &
    sleep 3 # xvfb-run looks for a free display without holding it
done
wait
passed=("$folder"/*/passed)
[ ${#passed[@]} -eq ${#pieces[@]} ]
