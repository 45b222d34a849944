#!/usr/bin/env bash
# Run the tests with the Python that is given: the longest of the plugin, which mostly wait for windows, beside the others,
# each half on a virtual display of its own, as two windows on one display would take the keyboard from each other.
set -u
python=$1
scripts=$(dirname "$0")

if [ -n "${DISPLAY:-}" ] || ! command -v xvfb-run >/dev/null; then
    exec "$scripts/on-a-display.sh" "$python" -m pytest
fi

printed=$(mktemp)
beside="tests/plugin/controls tests/plugin/jobs tests/plugin/result tests/plugin/test_*.py"
# shellcheck disable=SC2086 # these are words
"$scripts/on-a-display.sh" "$python" -m pytest $beside >"$printed" 2>&1 &
plugin=$!
trap 'kill $plugin 2>/dev/null; rm -f "$printed"' EXIT
sleep 3 # xvfb-run looks for a free display without holding it
# shellcheck disable=SC2046
"$scripts/on-a-display.sh" "$python" -m pytest $(printf -- '--ignore=%s ' $beside)
others=$?
echo "Waiting for the tests of the plugin, which run beside these"
wait $plugin
failed=$?
cat "$printed"
exit $((others ? others : failed))
