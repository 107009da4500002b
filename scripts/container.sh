#!/bin/sh
# Build an image of the packaged service from the Dockerfile that BentoML wrote into the Bento.
#
# scripts/container.sh NAME [REQUIREMENTS]: a requirements file replaces the Bento's own packages in the image.
# Read from the environment: CONTAINER_TOOL (docker, podman or buildah; default: the first that works), BUILD_ARGS.
set -eu
cd "$(dirname "$0")/.."
name=$1
requirements=${2:-}

stop() {
    printf 'error: %s\n' "$1" >&2
    exit 1
}

reasons=
works() {
    command -v "$1" >/dev/null || return 1
    said=$("$1" info 2>&1 >/dev/null) && return 0
    reasons="$reasons
$1: $said"
    return 1
}

[ -f bento/env/docker/Dockerfile ] || stop "there is no packed model in bento/. Type: make repro"
tool=${CONTAINER_TOOL:-}
for candidate in docker podman buildah; do
    [ -n "$tool" ] || { works "$candidate" && tool=$candidate; } || true
done
[ -n "$tool" ] || [ -z "$reasons" ] || stop "no program that builds images works here. Fix the cause:$reasons"
[ -n "$tool" ] || stop "neither docker, podman nor buildah is installed. Install one (Debian, Ubuntu: apt-get install podman)."

context=$(mktemp -d)
trap 'rm -rf "$context"' EXIT
# DVC may have linked the Bento's files to its cache, where an image cannot follow and nothing may be written.
cp -RL bento/. "$context"
chmod -R u+w "$context"
[ -z "$requirements" ] || cp "$requirements" "$context/env/python/requirements.txt"
# BentoML writes no health check, and its default folders are not writable with a read-only root.
cat >>"$context/env/docker/Dockerfile" <<'MORE'
ENV BENTOML_HOME=/tmp/bentoml BENTOML_DO_NOT_TRACK=True DO_NOT_TRACK=true ORT_DISABLE_TELEMETRY=1 FINGERSPELL_LOG=json
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:3000/readyz', timeout=4)"]
MORE
# OCI images have no health check, so podman and buildah have to write docker's format; docker has no such option.
[ "$tool" = docker ] || BUILD_ARGS="--format docker ${BUILD_ARGS:-}"
# shellcheck disable=SC2086 -- several words
"$tool" build ${BUILD_ARGS:-} --tag "$name" --file "$context/env/docker/Dockerfile" "$context" ||
    stop "$tool could not build the image (the reason is above). Fix the cause and type the same command again."
echo
echo "Built $name. Run it: $tool run --rm --read-only --tmpfs /tmp --publish 127.0.0.1:3000:3000 $name"
