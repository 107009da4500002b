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

command -v git >/dev/null || stop "git is not installed, and DVC needs it (Debian, Ubuntu: apt-get install git)."
if ! said=$(LC_ALL=C git rev-parse --git-dir 2>&1 >/dev/null); then
    case $said in
        *"not a git repository"*)
            stop "this folder is no git clone, and DVC needs one. Clone the project, or type: git init" ;;
        *)
            stop "git cannot read this clone, and DVC needs it. Do as git says, and run again:
$said" ;;
    esac
fi
[ "${1:-}" = experiments ] || exit 0
git rev-parse --verify --quiet HEAD >/dev/null ||
    stop "this clone has no commit, and an experiment begins from one. Type: git add --all && git commit -m first"
has GIT_COMMITTER_NAME user.name && has GIT_COMMITTER_EMAIL user.email ||
    stop "git does not know who you are, and DVC keeps an experiment as a commit. Type: git config user.name NAME && git config user.email ADDRESS"
