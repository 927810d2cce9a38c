#!/bin/sh
# Installs Debian packages that are missing.
#
#   tests/install.sh needed PACKAGE...   fails when one can't be had
#   tests/install.sh wanted PACKAGE...   says so and goes on
set -u
kind=$1
shift

missing=
for package in "$@"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' ||
    missing="$missing $package"
done
[ -n "$missing" ] || exit 0

# Not a Debian system: the build itself will say what it does not find.
if ! command -v apt-get >/dev/null 2>&1; then
  echo "Lander uses these Debian packages (or their like on this system):$missing" >&2
  exit 0
fi

# How to become root: not at all, by sudo (which may ask, on a terminal), or it can't be.
if [ "$(id -u)" = 0 ]; then
  as_root=
elif command -v sudo >/dev/null 2>&1 && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
  as_root="sudo"
else
  as_root=none
fi

install() {
  $as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y --no-install-recommends $missing
}

log=$(mktemp)
trap 'rm -f "$log"' EXIT
if [ "$as_root" != none ]; then
  echo "installing:$missing" >&2
  # A new machine has no package lists yet, or old ones: fetch them when need be.
  install >"$log" 2>&1 && exit 0
  { $as_root apt-get update && install; } >"$log" 2>&1 && exit 0
  if [ "$kind" = needed ]; then tail -n 5 "$log" >&2; fi
fi

line="apt-get update && apt-get install -y --no-install-recommends$missing"
if [ "$kind" = wanted ]; then
  echo "could not install$missing; going on without (as root: $line)" >&2
  exit 0
fi
echo "These packages are missing:$missing" >&2
echo "Install them as root, and run make again:" >&2
echo "  $line" >&2
exit 1
