#!/usr/bin/env bash
# Installs ninefold into an environment of its own: the release that is asked for, or what stands beside this script.
# NINEFOLD_PYTHON: the interpreter. NINEFOLD_VERSION: a release, or empty.
set -euo pipefail

home=$RUNNER_TEMP/ninefold
version=${NINEFOLD_VERSION:-}
if [[ -n $version && ! $version =~ ^[0-9]+(\.[0-9]+)*((a|b|rc)[0-9]+)?(\.post[0-9]+)?$ ]]; then
  echo "ninefold: the input version is no release, such as 0.1.0" >&2
  exit 64
fi
"$NINEFOLD_PYTHON" -m venv "$home"
if [[ -n $version ]]; then
  "$home/bin/python" -m pip install --quiet --disable-pip-version-check "ninefold==$version"
else
  "$home/bin/python" -m pip install --quiet --disable-pip-version-check "$GITHUB_ACTION_PATH"
fi
