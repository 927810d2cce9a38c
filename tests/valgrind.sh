#!/bin/sh
# valgrind.sh BUILD: runs the unit programs, the inputs of the fuzz targets and a Lua suite of
# each floor under valgrind's memcheck. The last line says how many had errors or leaks.
set -u
build=$1
log=$(mktemp)
trap 'rm -f "$log"' EXIT
clean=0
bad=0

# What a block that is lost would be; what still has a pointer to it at the end is not.
check() {
  valgrind --quiet --error-exitcode=99 --leak-check=full \
    --show-leak-kinds=definite,indirect --errors-for-leak-kinds=definite,indirect \
    "$@" >"$log" 2>&1
  status=$?
  shown=$(echo "$*" | sed "s|$build/||")
  if grep -q '^==[0-9]*== [A-Z]' "$log" || [ "$status" -ne 0 ]; then
    bad=$((bad + 1))
    echo "$shown: exit status $status"
    cat "$log"
  else
    clean=$((clean + 1))
    echo "$shown: clean"
  fi
}

# Left out are the tests of arithmetic alone, in all shapes; of threads that the system
# refuses, which valgrind itself would lack; and those that let memory end thousands of times,
# train for thousands of steps,
# or work through files of megabytes, which take half an hour each. (SAN=1 runs them all.)
for program in "$build"/unit/test_*; do
  case $program in
  *.d | */test_kernels | */test_parallel | */test_random) ;;
  */test_binding | */test_starve | */test_steps | */test_guard | */test_hostile) ;;
  *) check "$program" ;;
  esac
done
for program in "$build"/replay/*; do
  case $program in
  *.d) ;;
  *) check "$program" "tests/fuzz/corpus/$(basename "$program")" ;;
  esac
done
for suite in test_tensor test_net test_solver test_data test_nn test_json; do
  check "$build/lander" tests/run.lua "$suite"
done

echo "$clean clean under valgrind, $bad not"
[ "$bad" -eq 0 ] && [ "$clean" -gt 0 ]
