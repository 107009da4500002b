#!/bin/sh
# What DVC needs of git, checked before it is called: a clone, and for experiments a commit to begin from and an identity,
# since it keeps them as commits. DVC itself reports the last two as unexpected errors. `check_git.sh experiments`
set -eu

stop() {
    echo "error: $1" >&2
    exit 1
}

# Usage: has VARIABLE SETTING. Git takes the variable if it is set, otherwise its setting.
has() {
    [ -n "$(printenv "$1")" ] || [ -n "$(git config "$2")" ]
}

git rev-parse --git-dir >/dev/null 2>&1 ||
    stop "this folder is no git clone, and DVC needs one. Clone the project, or type: git init"
[ "${1:-}" = experiments ] || exit 0
git rev-parse --verify --quiet HEAD >/dev/null ||
    stop "this clone has no commit, and an experiment begins from one. Type: git add --all && git commit -m first"
has GIT_COMMITTER_NAME user.name && has GIT_COMMITTER_EMAIL user.email ||
    stop "git does not know who you are, and DVC keeps an experiment as a commit. Type: git config user.name NAME && git config user.email ADDRESS"
