#!/usr/bin/env bash
# Makes the two environments of these tests: provision.sh FOLDER [PYTHON]
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
folder=$1
python=${2:-python3}
for name in standin checkov; do
  lock=$here/requirements.txt
  [ "$name" = standin ] || lock=$here/$name-requirements.txt
  sum=$(sha256sum "$lock" | cut -d' ' -f1)
  if [ "$(cat "$folder/$name/.lock" 2>/dev/null)" != "$sum" ]; then
    rm -rf "${folder:?}/$name"
    "$python" -m venv "$folder/$name"
    "$folder/$name/bin/python" -m pip install --quiet --disable-pip-version-check \
      --require-hashes --no-deps --no-compile -r "$lock"
    echo "$sum" >"$folder/$name/.lock"
  fi
done
