#!/bin/sh
# Make .venv and fill it with the pinned packages, or report what is missing and what to type.
# Safe to run again at any point: what is already installed is kept, and the Makefile writes its stamp only after
# this script has succeeded.
#
# Read from the environment: PYTHON (the interpreter to build on), MIN_FREE_GB (least free disk to start with).
set -eu
cd "$(dirname "$0")/.."

stop() {
    printf 'error: %s\n' "$1" >&2
    exit 1
}

# Print major.minor of a Python, or nothing if it is not one.
version_of() {
    "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null || true
}

fits() {
    case "$(version_of "$1")" in
        3.11 | 3.12) return 0 ;;
        *) return 1 ;;
    esac
}

find_python() {
    if [ -n "${PYTHON:-}" ]; then
        fits "$PYTHON" || stop "PYTHON=$PYTHON is not Python 3.11 or 3.12 (its version: $(version_of "$PYTHON" | grep . || echo none)). \
Name one that is, e.g.: make repro PYTHON=/usr/bin/python3.11"
        echo "$PYTHON"
        return
    fi
    for candidate in .venv/bin/python python3.11 python3.12 python3 python; do
        if fits "$candidate"; then
            echo "$candidate"
            return
        fi
    done
    stop "no Python 3.11 or 3.12 was found. Install one (Debian, Ubuntu: apt-get install python3.11 python3.11-venv), \
or name it: make repro PYTHON=/path/to/python3.11"
}

python=$(find_python)
"$python" scripts/check_system.py ${MIN_FREE_GB:+--min-free-gb "$MIN_FREE_GB"} || exit 1

# A .venv of another Python version, or one whose Python is gone, cannot be fixed: make it again.
if [ "$(version_of .venv/bin/python)" != "$(version_of "$python")" ]; then
    echo "Making .venv with Python $(version_of "$python")"
    "$python" -m venv --clear .venv || stop "$python could not make .venv (its message is above). Try another: PYTHON=..."
fi

offline="the installation stopped (the reason is above). Check the network and the free space, and run the same command \
again: what is already there is kept."
.venv/bin/python -m pip --version >/dev/null 2>&1 || .venv/bin/python -m ensurepip >/dev/null || stop "$offline"
.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt || stop "$offline"

echo "Installing the pinned packages (7 GB; later runs take them from uv's cache)"
UV_HTTP_TIMEOUT="${UV_HTTP_TIMEOUT:-300}" .venv/bin/uv pip install --python .venv/bin/python --require-hashes \
    -r requirements/all.txt || stop "$offline"
