#!/bin/sh
# Fails when proto/python/wayside/v1 is not what the protos generate today.
set -eu
cd "$(dirname "$0")/.."
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
proto/generate.sh "$fresh"
diff -r --exclude=__init__.py --exclude=__pycache__ "$fresh/wayside/v1" proto/python/wayside/v1 || {
    echo "Generated code is stale: run  make proto  and commit the result." >&2
    exit 1
}
