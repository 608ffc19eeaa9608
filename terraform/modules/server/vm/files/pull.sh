# Pulls images that are not on the machine: a registry that is down does not stop a reboot.
set -euo pipefail

for image in "$@"; do
  docker image inspect "$image" >/dev/null 2>&1 || docker pull --quiet "$image"
done
