#!/usr/bin/env bash
# image.sh: build callserver:dev with Docker or Podman; without an engine, with buildah on a base
# that debootstrap makes (bookworm carries Python 3.11). The base is cached outside the checkout.
set -eu
tag=callserver:dev
die() { printf 'callserver: %s\n' "$1" >&2; exit 1; }
say() { printf 'callserver: %s\n' "$1" >&2; }

engines=(docker podman)
[ "${CALLSERVER_IMAGE_BUILDER:-}" != buildah ] || engines=()
for engine in "${engines[@]}"; do
    if command -v "$engine" >/dev/null && "$engine" info >/dev/null 2>&1; then
        exec "$engine" build --tag "$tag" .
    fi
done

"$(dirname "$0")/system.sh" buildah debootstrap
[ "$(id -u)" = 0 ] || die "without Docker or Podman the image is built by buildah as root"
cache=${CALLSERVER_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/callserver}/image
mkdir -p "$cache"
exec 9>"$cache/lock"
flock 9 # another run may be building the base
export BUILDAH_ISOLATION=chroot STORAGE_DRIVER=vfs
storage=(--root "$cache/storage" --runroot "$cache/run")
base=docker.io/library/python:3.11-slim-bookworm

if ! buildah "${storage[@]}" inspect --type image "$base" >/dev/null 2>&1; then
    say "making a base image with debootstrap (once, about a minute)"
    root=$(mktemp -d "$cache/base.XXXXXX")
    trap 'rm -rf "$root"' EXIT
    mirror=$(apt-get indextargets --format '$(SITE)' 'Codename: bookworm' 2>/dev/null | head -n 1)
    debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates \
        bookworm "$root" "${mirror:-http://deb.debian.org/debian}" >"$cache/debootstrap.log" 2>&1 ||
        die "debootstrap failed; see $cache/debootstrap.log"
    rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
    made=$(buildah "${storage[@]}" from scratch)
    buildah "${storage[@]}" add --quiet "$made" "$root" / >/dev/null
    buildah "${storage[@]}" commit --quiet --rm "$made" "$base" >/dev/null
fi

# A host that reaches its package index through a CA or an index of its own lends both to pip while
# it builds. As files: what is in the environment would stay in the image.
volumes=()
lent=$(mktemp)
trap 'rm -rf "$lent" ${root:+"$root"}' EXIT
{
    echo '[global]'
    [ -z "${PIP_CERT:-}" ] || echo "cert = $PIP_CERT"
    [ -z "${PIP_INDEX_URL:-}" ] || echo "index-url = $PIP_INDEX_URL"
    [ -z "${PIP_TRUSTED_HOST:-}" ] || echo "trusted-host = $PIP_TRUSTED_HOST"
    [ -z "${PIP_PROXY:-}" ] || echo "proxy = $PIP_PROXY"
} >"$lent"
volumes+=(--volume "$lent:/root/.config/pip/pip.conf:ro")
ca=${PIP_CERT:-${SSL_CERT_FILE:-}}
[ -z "$ca" ] || volumes+=(--volume "$ca:$ca:ro")
for file in /etc/pip.conf "$HOME/.config/pip/pip.conf" "$HOME/.pip/pip.conf"; do
    [ ! -r "$file" ] || volumes+=(--volume "$file:/etc/pip.conf:ro")
done
say "building $tag"
buildah "${storage[@]}" build --pull-never --format docker --isolation chroot --layers \
    "${volumes[@]}" --tag "$tag" . >"$cache/build.log" 2>&1 ||
    { tail -n 20 "$cache/build.log" >&2; die "the build failed; all of it is in $cache/build.log"; }
size=$(buildah "${storage[@]}" images --format '{{.Size}}' "$tag")
say "built $tag, $size"
