#!/bin/sh
# Writes what the Debian packages are made of into a folder: packaging/sbom/build.sh OUT_DIR
# For each a CycloneDX document (JSON) and a licence list (CSV and Markdown); the same bytes every time.
# The locks are installed as packaging/deb/build.sh does it, so that what is listed is what is shipped.
# The tools live in an environment of their own: nothing of the product or of its tests needs them.
set -eu
mkdir -p "$1"
out=$(cd "$1" && pwd)
cd "$(dirname "$0")/../.."
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
unset VIRTUAL_ENV

python=$(.venv/bin/python -c 'import sys; print("%d.%d" % sys.version_info[:2])')
for part in agent manager; do
    uv venv --quiet --no-project --python "$python" "$root/$part"
    # refuses a file whose hash is not in the lock
    VIRTUAL_ENV=$root/$part uv pip install --quiet --require-hashes --no-deps -r "requirements/$part.txt"
    # refuses packages that contradict each other or lack one; works without a network
    VIRTUAL_ENV=$root/$part uv pip check --quiet
    set -- "$@" "$part=$root/$part/lib/python$python/site-packages"
done
shift
PYTHONPATH=packaging/sbom uv run --quiet --isolated --no-project --python "$python" \
    --with-requirements packaging/sbom/tools.txt -- python -m wayside_sbom --out "$out" "$@"
