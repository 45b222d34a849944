#!/bin/sh
# Run a command that opens windows: on the display there is, else on a virtual one.
set -eu

if [ "$(uname)" != Linux ]; then
    exec "$@"
elif [ -n "${DISPLAY:-}" ] && command -v xdpyinfo >/dev/null && xdpyinfo >/dev/null 2>&1; then
    exec "$@"
elif command -v xvfb-run >/dev/null; then
    exec xvfb-run --auto-servernum --server-args='-screen 0 1600x1200x24' "$@"
fi
echo "There is neither a display nor xvfb-run, so the tests that draw in a window will fail. Install the package xvfb."
# Without any platform Qt ends the whole process; with this one only the tests that draw fail.
QT_QPA_PLATFORM=offscreen exec "$@"
