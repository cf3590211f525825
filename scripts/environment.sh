#!/bin/sh
# Makes the virtual environment with the newest Python that there is, from 3.11 on.
set -eu
venv=$1
for python in python3.14 python3.13 python3.12 python3.11 python3 python; do
    if command -v "$python" >/dev/null 2>&1 &&
        "$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null; then
        found=$python
        break
    fi
done
if [ -z "${found:-}" ]; then
    echo "Python 3.11 or newer is needed, and none was found." >&2
    exit 1
fi
if "$found" -m venv "$venv" 2>/dev/null; then
    exit 0
fi
rm -rf "$venv"
if "$found" -m pip --version >/dev/null 2>&1; then
    "$found" -m venv --without-pip "$venv"
    "$found" -m pip --quiet --python "$venv/bin/python" install pip
    exit 0
fi
version=$("$found" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
echo "Python $version can't make virtual environments. On Debian and Ubuntu: apt-get install python$version-venv" >&2
exit 1
