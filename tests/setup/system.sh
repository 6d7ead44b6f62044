#!/usr/bin/env bash
# system.sh [PACKAGE …]: install what the tests need from Debian and is not there yet.
set -eu
packages=("$@")
[ $# -gt 0 ] || packages=(debootstrap sip-tester espeak-ng postgresql buildah chromium)
die() { printf 'callserver: %s\n' "$1" >&2; exit 1; }

missing=()
for package in "${packages[@]}"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0
command -v apt-get >/dev/null ||
    die "these are missing and there is no apt-get to install them: ${missing[*]}"
[ "$(id -u)" = 0 ] || die "as root, install what is missing: apt-get install ${missing[*]}"
printf 'callserver: installing %s\n' "${missing[*]}" >&2
export DEBIAN_FRONTEND=noninteractive
# No service may start because a test wanted its program.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    trap 'rm -f "$policy"' EXIT
fi
# Debian would make a database cluster of its own for us: the tests make theirs.
if [[ " ${missing[*]} " = *" postgresql "* && ! -e /etc/postgresql-common/createcluster.conf ]]; then
    mkdir -p /etc/postgresql-common
    echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf
fi
apt-get -qq update || die "apt-get update failed; is a mirror reachable?"
apt-get -qq install -y --no-install-recommends "${missing[@]}" >/dev/null ||
    die "apt-get install ${missing[*]} failed"
