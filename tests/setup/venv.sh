#!/usr/bin/env bash
# venv.sh VENV LOCKFILE: make VENV hold exactly what LOCKFILE says, and callserver itself.
set -eu
venv=$1 lock=$2
python=${PYTHON:-python3}
die() { printf 'callserver: %s\n' "$1" >&2; exit 1; }

command -v "$python" >/dev/null || die "there is no $python; install it: apt-get install python3 python3-venv"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    die "$("$python" --version) is too old; Python 3.11 or newer is needed (make PYTHON=python3.11 …)"
"$python" -c 'import ensurepip, venv' 2>/dev/null ||
    die "$python cannot make virtual environments; install that part: apt-get install python3-venv"

if ! "$venv/bin/python" -c 'import pip' 2>/dev/null; then
    printf 'callserver: making %s\n' "$venv" >&2
    "$python" -m venv --clear "$venv" || die "could not make $venv"
fi
printf 'callserver: installing %s (%s packages)\n' "$lock" "$(grep -c '==' "$lock")" >&2
"$venv/bin/pip" install --quiet --disable-pip-version-check --require-hashes -r "$lock" ||
    die "could not install $lock; is a package index reachable?"
"$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --editable . ||
    die "could not install callserver itself into $venv"
