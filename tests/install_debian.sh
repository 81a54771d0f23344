#!/bin/sh
# Installs the Debian packages that some tests use. Without root it only says what is missing:
# the tests concerned then skip and print the same reason.
set -eu
packages="chromium:chromium etcd:etcd-server" # command:package
missing=""
for pair in $packages; do
  command -v "${pair%%:*}" >/dev/null 2>&1 || missing="$missing ${pair#*:}"
done
[ -n "$missing" ] || exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  echo "installing Debian packages:$missing"
  apt-get update -qq >/dev/null
  # shellcheck disable=SC2086
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
else
  echo "missing (their tests skip; install them as root with apt-get):$missing"
fi
