#!/usr/bin/env bash
# The last step of action.yml: checks, and turns path:line:column into annotations of the commit.
set -uo pipefail

results="${RUNNER_TEMP:-/tmp}/mainstem-results.xml"
options=()
if [ "${TESTS:-true}" = true ]; then options+=(--tests --junit "$results"); fi
read -r -a paths <<<"${CHECKED:-.}"

mainstem check "${options[@]}" "${paths[@]}" | tee "${RUNNER_TEMP:-/tmp}/mainstem-check.txt"
status=${PIPESTATUS[0]}

sed -nE 's/^ *([^ :][^:]*):([0-9]+):([0-9]+): (.*) \(warning\)$/::warning file=\1,line=\2,col=\3::\4/p; t
         s/^ *([^ :][^:]*):([0-9]+):([0-9]+): (.*)$/::error file=\1,line=\2,col=\3::\4/p' \
  "${RUNNER_TEMP:-/tmp}/mainstem-check.txt"

if [ -n "${GITHUB_OUTPUT:-}" ]; then echo "results=$results" >>"$GITHUB_OUTPUT"; fi
exit "$status"
