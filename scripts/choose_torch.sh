#!/bin/sh
# Replace torch and torchvision in .venv with another build of the same versions, e.g. `cpu` or `cu126`.
# The files come from torch's own index, which the lock does not cover, so their hashes are not checked.
set -eu
cd "$(dirname "$0")/.."
backend=$1

# Keep the versions of the lock: only the build changes.
pins=$(sed -n -E 's/^((torch|torchvision)==[^ ;]+).*/\1/p' requirements/all.txt)
# shellcheck disable=SC2086 -- one word for each pin
if ! .venv/bin/uv pip install --python .venv/bin/python --torch-backend "$backend" \
    --reinstall-package torch --reinstall-package torchvision $pins; then
    printf 'error: torch for "%s" could not be installed (the reason is above). ' "$backend" >&2
    printf 'Check the name (cpu, auto, cu126, ...) and the network, or leave TORCH_BACKEND out.\n' >&2
    exit 1
fi
