# Runs a command until it succeeds, and says so: what waits for this step goes on by itself.
set -euo pipefail

until "$@"; do
  echo "mainstem-retry: the step failed; again in ${RETRY_SECONDS:-20} s" >&2
  sleep "${RETRY_SECONDS:-20}"
done
