#!/bin/sh
# Makes .venv with uv and everything of requirements/dev.txt, hashes checked, and the three distributions editable.
set -eu
cd "$(dirname "$0")/.."

python=
for candidate in "${PYTHON:-python3}" python3.13 python3.12 python3.11; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        python=$candidate
        break
    fi
done
if [ -z "$python" ]; then
    echo "Wayside needs Python 3.11 or newer; found: $(python3 --version 2>&1 || echo none)." >&2
    exit 1
fi

# Debian and Ubuntu ship venv's seed apart from Python.
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    if [ "$(id -u)" = 0 ]; then
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "python$version-venv"
    else
        echo "Python's venv module is missing. Run:  sudo apt-get install -y python$version-venv" >&2
        exit 1
    fi
fi

[ -x .venv/bin/python ] && .venv/bin/python -c '' 2>/dev/null || "$python" -m venv --clear .venv
.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bootstrap.txt
VIRTUAL_ENV=$PWD/.venv
export VIRTUAL_ENV
.venv/bin/uv pip sync --quiet --compile-bytecode --require-hashes requirements/dev.txt requirements/bootstrap.txt
.venv/bin/uv pip install --quiet --no-deps --no-build-isolation -e proto -e agent -e manager
