#!/bin/sh
# Runs every test in the given build folders and adds up the results. What the failing ones
# printed stands at the end, so that the tail of a long log tells what failed.
# The last line is "N passed, N failed"; the exit status tells too.
set -u

out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
passed=0
failed=0

# run NAME COMMAND...: the command's last "N passed, N failed" line is its result; one that
# ends badly without a failure of its own counts as a failure.
run() {
  name=$1
  shift
  "$@" >"$out/log" 2>&1
  status=$?
  line=$(grep -E '^[0-9]+ passed, [0-9]+ failed' "$out/log" | tail -n 1)
  ok=$(echo "$line" | sed -n 's/^\([0-9]*\) passed.*/\1/p')
  bad=$(echo "$line" | sed -n 's/.* \([0-9]*\) failed.*/\1/p')
  : "${ok:=0}" "${bad:=0}"
  if [ "$status" -ne 0 ] && [ "$bad" -eq 0 ]; then bad=1; fi
  if [ -z "$line" ] && [ "$bad" -eq 0 ]; then bad=1; fi
  passed=$((passed + ok))
  failed=$((failed + bad))
  printf '%-44s %s\n' "$name" "${line:-no result, exit status $status}"
  if [ "$bad" -ne 0 ]; then
    { printf '\n==== %s\n' "$name" && cat "$out/log"; } >>"$out/failures"
  fi
}

for build in "$@"; do
  for program in "$build"/unit/test_* "$build"/embed/test_*; do
    case $program in *.d | *.gcno | *.gcda | *'*') continue ;; esac
    run "$program" "$program"
  done
  for program in "$build"/replay/*; do
    case $program in *.d | *.gcno | *.gcda | *'*') continue ;; esac
    run "$program" "$program" "tests/fuzz/corpus/$(basename "$program")"
  done
  run "$build/lander tests/run.lua" "$build/lander" tests/run.lua
  # A sanitizer has to be loaded before the program, which a stock lua5.4 is not built for.
  case $build in
  */san | */tsan) ;;
  *)
    run "lua5.4 with $build/lander.so" \
      env "LUA_CPATH=$build/?.so" lua5.4 tests/stock.lua
    # What counts lines for gcov writes files.
    [ "$(basename "$build")" = cov ] ||
      run "tests/symbols.lua $build" lua5.4 tests/symbols.lua "$build"
    ;;
  esac
done
run "tests/arrows.lua" lua5.4 tests/arrows.lua

if [ -e "$out/failures" ]; then cat "$out/failures"; fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
