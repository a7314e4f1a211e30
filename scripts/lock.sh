#!/bin/sh
# Makes the lock files anew from pyproject.toml, for every supported Python and platform at once. Needs uv.
set -eu
cd "$(dirname "$0")/.."
for group in demo dev; do
    uv pip compile pyproject.toml --group "$group" --universal --python-version 3.11 --generate-hashes \
        --no-header --no-emit-index-url --no-annotate --quiet --output-file "requirements/$group.lock"
done
uv pip compile requirements/compiler.in --universal --python-version 3.11 --generate-hashes \
    --no-header --no-emit-index-url --no-annotate --quiet --output-file requirements/compiler.lock
