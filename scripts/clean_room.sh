#!/usr/bin/env bash
# A newcomer's first minutes: a clone into a new folder, no cache of packages, the two commands of the README, timed.
set -euo pipefail
cd "$(dirname "$0")/.."

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
# Some tests need real data next to the checkout; give the clone the same.
[ -d ../shared ] && ln -s "$(cd ../shared && pwd)" "$folder/shared"
export UV_CACHE_DIR="$folder/uv" PIP_NO_CACHE_DIR=1 npm_config_cache="$folder/npm"
git clone --quiet . "$folder/fingerspell"
cd "$folder/fingerspell"

timed() {
    local begun=$SECONDS
    "${@:2}" >"$folder/log" 2>&1 || { tail -n 50 "$folder/log"; echo "$1 failed"; exit 1; }
    echo "$1: $(((SECONDS - begun) / 60)) min $(((SECONDS - begun) % 60)) s"
}

timed "installation" make .venv/.installed
timed "make repro" make repro
timed "make test" make test
grep -E "passed|failed" "$folder/log" | tail -n 1
