#!/bin/sh
# Serves S3 from a directory, with the buckets that BUCKETS names.
#
#   ROOT_ACCESS_KEY, ROOT_SECRET_KEY  the credentials; required
#   BUCKETS                           names of buckets to make, between spaces
#   DATA_DIR                          where the data goes (/data); must be writable
#   PORT                              where to listen (7070)
#
# More arguments go to versitygw, before its "posix" command (e.g. --cert and --key).
set -eu

: "${ROOT_ACCESS_KEY:?is the access key to be asked for}" "${ROOT_SECRET_KEY:?is the secret key to be asked for}"
export ROOT_ACCESS_KEY ROOT_SECRET_KEY
data=${DATA_DIR:-/data}
# What is known of an object goes beside the data, so that a file system without
# extended attributes, such as a tmpfs, will do.
mkdir -p "$data/buckets" "$data/meta"

# admin talks to a server that only this container reaches.
private=127.0.0.1:7999
admin() {
  ADMIN_ACCESS_KEY=$ROOT_ACCESS_KEY ADMIN_SECRET_KEY=$ROOT_SECRET_KEY \
    versitygw admin --endpoint-url "http://$private" "$@"
}

# A bucket is more than a directory: it has an owner. So the server makes it, before
# the one that is for others starts, which then never answers without its buckets.
missing=
for bucket in ${BUCKETS:-}; do
  [ -d "$data/buckets/$bucket" ] || missing="$missing $bucket"
done
if [ -n "$missing" ]; then
  versitygw --quiet --port "$private" posix --sidecar "$data/meta" "$data/buckets" &
  server=$!
  tries=0
  until admin list-buckets >/dev/null 2>&1; do
    tries=$((tries + 1))
    if [ $tries -gt 100 ] || ! kill -0 $server; then
      echo "the server for making the buckets does not answer" >&2
      exit 1
    fi
    sleep 0.1
  done
  for bucket in $missing; do
    admin create-bucket --owner "$ROOT_ACCESS_KEY" --bucket "$bucket"
    echo "made the bucket $bucket"
  done
  kill $server
  wait $server || true
fi

exec versitygw --port ":${PORT:-7070}" "$@" posix --sidecar "$data/meta" "$data/buckets"
