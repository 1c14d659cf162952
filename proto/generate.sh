#!/bin/sh
# Generates proto/python/wayside/v1 from the protos, byte for byte the same everywhere.
# Usage: proto/generate.sh OUT_DIR   (OUT_DIR is the folder that holds `wayside/`)
# The tools are the oldest we support on purpose: what they emit also runs on every newer runtime.
set -eu
out=$(cd "$1" && pwd)
cd "$(dirname "$0")"
run() {
    uv run --quiet --isolated --no-project --with grpcio-tools==1.71.2 --with mypy-protobuf==3.7.0 \
        --with 'setuptools<81' -- python -W ignore -m grpc_tools.protoc -I . "$@"
}
run --python_out="$out" --mypy_out="quiet:$out" wayside/v1/*.proto
run --grpc_python_out="$out" --mypy_grpc_out="quiet:$out" wayside/v1/*_service.proto
