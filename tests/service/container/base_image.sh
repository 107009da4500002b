#!/bin/sh
# Make a stand-in for python:3.11-slim where no registry can be reached: Debian bookworm with its own Python 3.11. Needs root,
# debootstrap and podman. The certificates are Debian's: those that this machine trusts are for a build to mount.
#
# base_image.sh NAME
set -eu
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT

debootstrap --variant=minbase --include=python3,python3-venv,python3-pip,ca-certificates bookworm "$root" >&2
ln -s /usr/bin/python3 "$root/usr/local/bin/python"
# The real image lets pip install beside the system's packages, and has no manuals or downloads.
rm -rf "$root"/usr/lib/python3*/EXTERNALLY-MANAGED "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* \
    "$root"/usr/share/doc "$root"/usr/share/man "$root"/usr/share/locale
tar -C "$root" -c . |
    podman import --quiet --change "ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt" - "$1"
