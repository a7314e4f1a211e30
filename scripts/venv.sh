#!/bin/sh
# venv.sh LOCK: makes .venv on the newest Python found and installs LOCK (hashes checked) and this package into it.
set -eu
cd "$(dirname "$0")/.."
lock=$1
stamp=.venv/.$(basename "$lock")
native=src/ninefold/native/_project.so
if [ -e "$stamp" ] && [ ! "$lock" -nt "$stamp" ] && [ ! pyproject.toml -nt "$stamp" ] &&
    [ -e "$native" ] && [ -z "$(find src/ninefold/native -name '*.[ch]' -newer "$native")" ] && [ ! hatch_build.py -nt "$native" ] &&
    .venv/bin/python -c 'import ninefold' 2>/dev/null; then
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
if [ -z "${CC:-}" ] && ! printf '#include <stdlib.h>\nint main(void) { return 0; }\n' | cc -x c - -o /dev/null 2>/dev/null; then
    echo "ninefold: no C compiler here; installing the one that a package brings"
    .venv/bin/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements/compiler.lock
    export CC="$PWD/.venv/bin/python -m ziglang cc"
fi
.venv/bin/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation --no-index -e .
touch "$stamp"
