#!/bin/sh
# secrets.sh [FOLDER]: make compose.yaml's secrets, once; those that are there stay as they are.
# The folder is its owner's alone; the files are readable, because containers' users must read them.
set -eu
folder=${1:-.callserver/secrets}
if [ -e "$folder/ami_secret" ]; then
    echo "callserver: $folder has its secrets already" >&2
    exit 0
fi
random() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }
mkdir -p "$folder"
chmod 700 "$folder"
umask 022
ami=$(random) redis=$(random) database=$(random)
printf 'secret = %s\n' "$ami" >"$folder/asterisk_secret_conf"
printf 'requirepass %s\n' "$redis" >"$folder/valkey_conf"
printf 'redis://:%s@valkey:6379\n' "$redis" >"$folder/redis_url"
printf '%s\n' "$database" >"$folder/postgres_password"
printf 'postgresql://callserver:%s@postgres:5432/callserver\n' "$database" >"$folder/database_url"
printf '%s\n' "$ami" >"$folder/ami_secret"
echo "callserver: made the secrets in $folder" >&2
