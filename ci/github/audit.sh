#!/usr/bin/env bash
# Audits as the action's inputs say, writes the reports and the job's summary, and ends as the audit ended.
# The inputs come as NINEFOLD_* variables. None of them is ever part of a command's text.
set -euo pipefail

ninefold=$RUNNER_TEMP/ninefold/bin/ninefold
reports=$(mktemp -d "$RUNNER_TEMP/ninefold-reports.XXXXXX")
secrets=$(mktemp -d "$RUNNER_TEMP/ninefold-keys.XXXXXX")
trap 'rm -rf -- "$secrets"' EXIT

given=(--fail-on="${NINEFOLD_FAIL_ON:-low}" --sarif="$reports/ninefold.sarif" --html="$reports/ninefold.html"
  --markdown="$reports/ninefold.md")
[[ -z ${NINEFOLD_URL:-} ]] || given+=(--url="$NINEFOLD_URL")
[[ -z ${NINEFOLD_SOURCE:-} ]] || given+=(--source="$NINEFOLD_SOURCE")
[[ -z ${NINEFOLD_ADVISORIES:-} ]] || given+=(--advisories="$NINEFOLD_ADVISORIES")
[[ -z ${NINEFOLD_BASELINE:-} ]] || given+=(--baseline="$NINEFOLD_BASELINE")

# Keys go by file: whoever lists the machine's processes sees no secret.
number=0
while IFS= read -r key || [[ -n $key ]]; do
  key=${key%$'\r'}
  [[ -n ${key//[[:space:]]/} ]] || continue
  number=$((number + 1))
  (umask 077 && printf '%s\n' "$key" >"$secrets/$number")
  given+=(--key="@$secrets/$number")
done <<<"${NINEFOLD_KEYS:-}"

while IFS= read -r argument || [[ -n $argument ]]; do
  argument=${argument%$'\r'}
  [[ -z $argument ]] || given+=("$argument")
done <<<"${NINEFOLD_ARGS:-}"

[[ -z ${NINEFOLD_DESCRIPTION:-} ]] || given+=(-- "$NINEFOLD_DESCRIPTION")

# What an API answers is in the output, and the runner takes lines that begin with `::` for commands.
token=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
echo "::stop-commands::$token"
code=0
NO_COLOR=1 COLUMNS=110 "$ninefold" audit "${given[@]}" >"$reports/ninefold.txt" || code=$?
cat -- "$reports/ninefold.txt"
echo "::$token::"

{
  echo "exit-code=$code"
  [[ ! -s $reports/ninefold.sarif ]] || echo "sarif=$reports/ninefold.sarif"
  [[ ! -s $reports/ninefold.html ]] || echo "html=$reports/ninefold.html"
} >>"$GITHUB_OUTPUT"

# The report for a pull request escapes what an API says; where there is none, the log says why.
if [[ -s $reports/ninefold.md ]]; then
  cat -- "$reports/ninefold.md" >>"$GITHUB_STEP_SUMMARY"
else
  printf '## Ninefold audit\n\nThe audit did not get so far (exit code %s); the log of this step says why.\n' "$code" >>"$GITHUB_STEP_SUMMARY"
fi

exit "$code"
