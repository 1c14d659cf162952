#!/bin/sh
# Fails when proto/python/wayside/v1 is not what the protos generate today, or v2x/generated not what the ASN.1 modules do.
set -eu
cd "$(dirname "$0")/.."
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
proto/generate.sh "$fresh"
(cd proto/asn1 && PYTHONDONTWRITEBYTECODE=1 python -m uper_compiler "$fresh/wayside/v2x/generated")
compare() { diff -r --exclude=__init__.py --exclude=__pycache__ "$fresh/wayside/$1" "proto/python/wayside/$1"; }
{ compare v1 && compare v2x/generated; } || {
    echo "Generated code is stale: run  make proto  and commit the result." >&2
    exit 1
}
