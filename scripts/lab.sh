#!/bin/sh
# Installs what the lab's JavaScript servers need, as their lock files say. Without npm they are named as not run.
set -eu
cd "$(dirname "$0")/.."
if ! command -v npm >/dev/null; then
    echo "ninefold: npm is not here, so the lab's JavaScript servers will not run"
    exit 0
fi
for folder in lab/wiki/vulnerable lab/wiki/fixed lab/loans/vulnerable lab/loans/fixed; do
    if [ ! "$folder/node_modules/.package-lock.json" -nt "$folder/package-lock.json" ]; then
        echo "ninefold: npm ci in $folder (pinned, hashes checked)"
        npm ci --prefix "$folder" --ignore-scripts --no-audit --no-fund --loglevel error
    fi
done
