#!/bin/sh
# Installs the authorization server and the client that tests hold tokens and the token service against, as its lock file says. Without npm those tests are skipped.
set -eu
cd "$(dirname "$0")/.."
folder=tests/identity/provider
if ! command -v npm >/dev/null; then
    echo "ninefold: npm is not here, so the tests against oidc-provider and with openid-client are skipped"
    exit 0
fi
if [ ! "$folder/node_modules/.package-lock.json" -nt "$folder/package-lock.json" ]; then
    echo "ninefold: npm ci in $folder (pinned, hashes checked)"
    npm ci --prefix "$folder" --ignore-scripts --no-audit --no-fund --loglevel error
fi
