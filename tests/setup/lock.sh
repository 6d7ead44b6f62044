#!/usr/bin/env bash
# lock.sh VENV: resolve pyproject.toml's ranges into the two lock files.
set -eu
venv=$1
tool=$(mktemp -d)
trap 'rm -rf "$tool"' EXIT
"$venv/bin/python" -m venv "$tool"
"$tool/bin/pip" install --quiet uv
compile() { "$tool/bin/uv" pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes \
    --no-emit-index-url --no-header --quiet "$@"; }
compile --output-file requirements.lock
compile --extra dev --constraints requirements.lock --output-file tests/requirements.lock
