#!/bin/sh
# Install Debian packages that are missing, where this is allowed; name them in a sentence where it is not.
#
#   scripts/system-packages.sh display xvfb      groups (below) or names of packages
#
# Leaves with 0 in either case: what can be done without them is still done.
set -eu

# What Qt, OpenGL and napari's windows load at run time.
display="libgl1 libglx-mesa0 libegl1 libopengl0 libdbus-1-3 libxcb-cursor0 libxcb-icccm4 libxcb-image0 libxcb-keysyms1
libxcb-randr0 libxcb-render-util0 libxcb-shape0 libxcb-xfixes0 libxcb-xinerama0 libxcb-xinput0 libxkbcommon-x11-0"
xvfb="xvfb xauth x11-utils"  # a display for machines that have none, and xdpyinfo to find out
compiler="g++"

packages=
for name in "$@"; do
    case $name in
    display) packages="$packages $display" ;;
    xvfb) packages="$packages $xvfb" ;;
    compiler) packages="$packages $compiler" ;;
    *) packages="$packages $name" ;;
    esac
done

[ "$(uname)" = Linux ] || exit 0  # macOS and Windows bring all of this
if ! command -v apt-get >/dev/null; then
    echo "If something is missing below: on Debian it is in these packages: $(echo $packages)."
    exit 0
fi

missing=
for package in $packages; do
    dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed ||
        missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ]; then
    as_root=
elif sudo -n true 2>/dev/null; then
    as_root="sudo -n"
else
    echo "These system packages are missing and only root may install them: sudo apt-get install$missing"
    exit 0
fi

echo "Installing system packages:$missing"
install="env DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet --quiet --no-install-recommends"
log=$(mktemp)
{ $as_root apt-get update --quiet --quiet && $as_root $install $missing; } >"$log" 2>&1 </dev/null || {
    tail -n 5 "$log"
    echo "apt-get could not install them (see above); try it yourself: apt-get install$missing"
}
rm -f "$log"
