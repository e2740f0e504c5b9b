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
# A bucket is a directory. What else is known of an object goes beside the data, so
# that a file system without extended attributes, such as a tmpfs, will do.
mkdir -p "$data/buckets" "$data/meta"
for bucket in ${BUCKETS:-}; do
  mkdir -p "$data/buckets/$bucket"
done
exec versitygw --port ":${PORT:-7070}" "$@" posix --sidecar "$data/meta" "$data/buckets"
