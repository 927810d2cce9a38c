#!/bin/sh
# Makes Debian packages in build/deb from an installation in a folder (make deb calls it):
#
#   lander         the command, its manual page, models, scripts, completions, annotations
#   liblander1     the shared library
#   liblander-dev  lander.h, the archive, lander.pc
#   lua-lander     the module for lua5.4
#
#   packaging/deb.sh VERSION ABI
set -eu
version=$1
abi=$2
arch=$(dpkg --print-architecture)
multiarch=$(dpkg-architecture -qDEB_HOST_MULTIARCH)
out=build/deb
root=$out/root
maintainer="The Lander authors <lander@lander.invalid>"

rm -rf "$out"
mkdir -p "$out"

# Debian's flags; its own Lua; a build folder of its own.
flag() { dpkg-buildflags --get "$1"; }
make --no-print-directory -s install B=build/debian OPT= \
  CFLAGS="$(flag CFLAGS) $(flag CPPFLAGS)" LDFLAGS="$(flag LDFLAGS) -Wl,-z,now" LIBLUA=-llua5.4 \
  PREFIX=/usr LIBDIR="/usr/lib/$multiarch" DESTDIR="$PWD/$root" \
  ZSH_COMPLETION=/usr/share/zsh/vendor-completions

# take PACKAGE PATH...: moves what was installed there into the package.
take() {
  package=$1
  shift
  for path in "$@"; do
    mkdir -p "$out/$package/$(dirname "$path")"
    mv "$root/$path" "$out/$package/$path"
  done
}

lib=usr/lib/$multiarch
take "liblander$abi" "$lib/liblander.so.$abi"
take liblander-dev "$lib/liblander.so" "$lib/liblander.a" "$lib/pkgconfig" usr/include
take lua-lander "$lib/lua"
take lander usr/bin usr/share/man usr/share/lander usr/share/bash-completion usr/share/zsh usr/share/fish \
  usr/share/doc/lander
[ -z "$(find "$root" ! -type d)" ] || { find "$root" ! -type d; exit 1; } # nothing is forgotten
rm -r "$root"

strip --strip-unneeded --remove-section=.comment "$out/lander/usr/bin/lander" \
  "$out/liblander$abi/$lib/liblander.so.$abi" "$out"/lua-lander/"$lib"/lua/5.4/lander.so
strip --strip-debug --enable-deterministic-archives "$out/liblander-dev/$lib/liblander.a"
gzip -n -9 "$out/lander/usr/share/man/man1/lander.1"
mkdir -p "$out/liblander-dev/usr/share/doc/liblander-dev/examples"
cp tests/embed/predict.c tests/embed/train.c tests/embed/threads.c tests/embed/classify.cc \
  tests/embed/sandbox.c "$out/liblander-dev/usr/share/doc/liblander-dev/examples"

# What a program is linked with, as packages. dpkg-shlibdeps wants a source's control file, and
# a folder DEBIAN above the program.
mkdir "$out/lander/DEBIAN" "$out/lua-lander/DEBIAN"
depends_of() {
  mkdir -p "$out/source/debian"
  printf 'Source: lander\n\nPackage: liblander%s\nArchitecture: any\n' "$abi" \
    >"$out/source/debian/control"
  (cd "$out/source" && dpkg-shlibdeps -O "$@" | sed 's/^shlibs:Depends=//')
}

# words PACKAGE: copyright and the list of changes, which each package must have.
words() {
  folder=$out/$1/usr/share/doc/$1
  mkdir -p "$folder"
  { printf 'Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n'
    printf 'Upstream-Name: Lander\n\nFiles: *\n'
    printf 'Copyright: %s\nLicense: Expat\n' "$(sed -n 's/^Copyright (c) //p' LICENSE)"
    sed '1,/^Copyright/d' LICENSE | sed '/./,$!d; s/^$/./; s/^/ /'; } >"$folder/copyright"
  gzip -n -9 -c >"$folder/changelog.gz" <<TEXT
lander ($version) unstable; urgency=medium

  * Built from the sources with make deb.

 -- $maintainer  $(date -R -d "@${SOURCE_DATE_EPOCH:-$(date +%s)}")
TEXT
}

# pack PACKAGE SECTION DEPENDS SUMMARY, and the description from the standard input.
pack() {
  words "$1"
  control=$out/$1/DEBIAN
  mkdir -p "$control"
  find "$out/$1" -type d -exec chmod 755 {} +
  { printf 'Package: %s\nSource: lander\nVersion: %s\nArchitecture: %s\n' "$1" "$version" "$arch"
    printf 'Maintainer: %s\nSection: %s\nPriority: optional\n' "$maintainer" "$2"
    printf 'Installed-Size: %s\n' "$(du -sk --exclude=DEBIAN "$out/$1" | cut -f1)"
    if [ -n "$3" ]; then printf 'Depends: %s\n' "$3"; fi
    if [ "$1" != lander ]; then printf 'Multi-Arch: same\n'; fi
    printf 'Description: %s\n' "$4"
    sed 's/^/ /'; } >"$control/control"
  (cd "$out/$1" && find . -path ./DEBIAN -prune -o -type f -printf '%P\0' | LC_ALL=C sort -z |
    xargs -0 md5sum) >"$control/md5sums"
  dpkg-deb --root-owner-group -b "$out/$1" "$out/$1_${version}_$arch.deb" >/dev/null
  echo "$out/$1_${version}_$arch.deb"
}

about="Lander trains neural networks. It is a small C library, scripted in Lua,
that notices when a training diverges, goes back and lowers the rate."

mkdir -p "$out/liblander$abi/DEBIAN"
printf 'liblander %s liblander%s (>= %s)\n' "$abi" "$abi" "$version" >"$out/liblander$abi/DEBIAN/shlibs"
printf 'activate-noawait ldconfig\n' >"$out/liblander$abi/DEBIAN/triggers"

library=$PWD/$out/liblander$abi/$lib/liblander.so.$abi
pack "liblander$abi" libs "$(depends_of "$library")" \
  "training engine for neural networks (shared library)" <<TEXT
$about
.
This is the library that programs are linked with.
TEXT
pack liblander-dev libdevel "liblander$abi (= $version), zlib1g-dev" \
  "training engine for neural networks (development files)" <<TEXT
$about
.
This is what is needed to build programs with it.
TEXT
module=$PWD/$out/lua-lander/$lib/lua/5.4/lander.so
pack lua-lander interpreters "$(depends_of "$module")" \
  "training engine for neural networks (module for Lua 5.4)" <<TEXT
$about
.
This is the module for the interpreter lua5.4.
TEXT
program=$PWD/$out/lander/usr/bin/lander
pack lander science "$(depends_of "$program")" \
  "training engine for neural networks, scripted in Lua" <<TEXT
$about
.
This is the command, with models and scripts to start from.
TEXT
rm -r "$out/source"
