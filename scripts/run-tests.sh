#!/usr/bin/env bash
# Run the tests with the Python that is given: those of the plugin, which mostly wait for windows, beside the others, each
# half on a virtual display of its own, as two windows on one display would take the keyboard from each other.
set -u
python=$1
scripts=$(dirname "$0")

if [ -n "${DISPLAY:-}" ] || ! command -v xvfb-run >/dev/null; then
    exec "$scripts/on-a-display.sh" "$python" -m pytest
fi

printed=$(mktemp)
"$scripts/on-a-display.sh" "$python" -m pytest tests/plugin >"$printed" 2>&1 &
plugin=$!
trap 'kill $plugin 2>/dev/null; rm -f "$printed"' EXIT
sleep 3 # xvfb-run looks for a free display without holding it
"$scripts/on-a-display.sh" "$python" -m pytest --ignore=tests/plugin
others=$?
echo "Waiting for the tests of the plugin, which run beside these"
wait $plugin
failed=$?
cat "$printed"
exit $((others ? others : failed))
