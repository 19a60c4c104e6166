#!/bin/sh
# Downloads the packages that sources.toml names and unpacks each into a folder of its own; nothing is
# installed. Needs Debian's apt-get and dpkg-deb.   fetch.sh UNPACKED
set -eu
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1/debs"
cd "$1/debs"
for package in $(sed -n 's/^package = "\(.*\)"/\1/p' "$here/sources.toml" | sort -u); do
  apt-get download "$package"
  dpkg-deb -x "${package}"_*.deb "../$package"
done
