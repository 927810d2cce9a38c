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

command="apt-get install -y --no-install-recommends$missing"
as_root=
if [ "$(id -u)" != 0 ]; then
  if command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
    as_root="sudo"
  elif command -v sudo >/dev/null 2>&1 && [ -t 0 ]; then
    as_root="sudo"
  else
    as_root=none
  fi
fi

if [ "$as_root" != none ]; then
  echo "installing:$missing" >&2
  export DEBIAN_FRONTEND=noninteractive
  # A new machine has no package lists yet, or old ones: fetch them when need be.
  $as_root $command >/dev/null 2>&1 ||
    { $as_root apt-get update >/dev/null 2>&1; $as_root $command >/dev/null; } && exit 0
fi

if [ "$kind" = wanted ]; then
  echo "could not install$missing; going on without" >&2
  exit 0
fi
echo "These packages are missing:$missing" >&2
echo "Install them with:" >&2
echo "  sudo $command" >&2
exit 1
