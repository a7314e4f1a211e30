#!/bin/sh
# venv.sh LOCK: makes .venv on the newest Python found and installs LOCK (hashes checked) and this package into it.
set -eu
cd "$(dirname "$0")/.."
lock=$1
stamp=.venv/.$(basename "$lock")
if [ -e "$stamp" ] && [ ! "$lock" -nt "$stamp" ] && [ ! pyproject.toml -nt "$stamp" ] && .venv/bin/python -c 'import ninefold' 2>/dev/null; then
    exit 0
fi
if ! .venv/bin/python -c '' 2>/dev/null; then
    python=$(sh scripts/python.sh)
    echo "ninefold: making .venv with $("$python" --version)"
    rm -rf .venv
    "$python" -m venv .venv
fi
echo "ninefold: installing $lock (pinned, hashes checked)"
.venv/bin/python -m pip install -qq --disable-pip-version-check --require-hashes -r "$lock"
.venv/bin/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation --no-index -e .
touch "$stamp"
