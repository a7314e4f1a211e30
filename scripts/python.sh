#!/bin/sh
# Prints the newest Python from 3.11 to 3.14 that runs here and can make a virtual environment.
set -u
works() { "$1" -c 'import sys, venv, ensurepip; raise SystemExit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' >/dev/null 2>&1; }
for minor in 14 13 12 11; do
    for candidate in "python3.$minor" "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3."$minor".*/bin/python3; do
        if works "$candidate"; then
            command -v "$candidate"
            exit 0
        fi
    done
done
if works python3; then
    command -v python3
    exit 0
fi
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "ninefold: no Python with venv yet; installing Debian's python3-venv" >&2
    log=$(mktemp)
    export DEBIAN_FRONTEND=noninteractive
    if apt-get update -qq >"$log" 2>&1 && apt-get install -y -qq --no-install-recommends python3-venv >>"$log" 2>&1 &&
        works python3; then
        rm -f "$log"
        command -v python3
        exit 0
    fi
    tail -n 5 "$log" >&2
    rm -f "$log"
fi
echo "ninefold: needs Python 3.11 to 3.14 with the venv module; on Debian: sudo apt-get install python3-venv" >&2
exit 1
