#!/bin/sh
# compare.sh: this tree beside another revision: builds that one in a scratch folder and runs
# both in turns. ratio: its time over this tree's, so above 1 this tree is faster.
#
#   sh scripts/bench/compare.sh build/lander REVISION [options of turns.lua]
set -eu
program=$1
revision=$2
shift 2

here=$(pwd)
name=$(git rev-parse --short "$revision^{commit}")
folder=$(mktemp -d)
trap 'git worktree remove --force "$folder/tree" >/dev/null 2>&1; rm -rf "$folder"' EXIT
git worktree add --quiet --detach "$folder/tree" "$name"
make -C "$folder/tree" build >"$folder/log" 2>&1 || {
  tail -n 20 "$folder/log" >&2
  exit 1
}

# Each runs in its own tree, whose models it takes, and both run the scripts of this one.
steps="$here/scripts/bench/steps.lua"
unset OPENBLAS_CORETYPE
"$program" scripts/bench/turns.lua \
  "here=$program $steps" \
  "$name=cd '$folder/tree' && build/lander $steps" "$@"
