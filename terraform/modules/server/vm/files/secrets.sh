# Fetches secrets into a folder in memory, as NAME/value: NAME=SECRET_ID in the arguments.
# The token and the values never appear in an argument or in the log.
set -euo pipefail

metadata=${METADATA_URL:-http://metadata.google.internal}
manager=${SECRETMANAGER_URL:-https://secretmanager.googleapis.com}
folder=${SECRETS_FOLDER:-/run/mainstem/secrets}
owner=${SECRETS_OWNER:-10001:10001}
: "${PROJECT:?the project is not set}"

fail() {
  echo "mainstem-secrets: $*" >&2
  exit 1
}

token=$(curl -sS --fail --max-time 10 --retry 5 --retry-connrefused -H 'Metadata-Flavor: Google' \
  "$metadata/computeMetadata/v1/instance/service-accounts/default/token" |
  tr -d '\n' | sed -n 's/.*"access_token" *: *"\([^"]*\)".*/\1/p')
[ -n "$token" ] || fail "the metadata server gave no token: has the machine a service account?"

umask 077
mkdir -p "$folder"
new=$(mktemp -d "$folder/.new-XXXXXX")
trap 'rm -rf "$new"' EXIT

for pair in "$@"; do
  name=${pair%%=*}
  secret=${pair#*=}
  status=$(printf 'Authorization: Bearer %s\n' "$token" |
    curl -sS --max-time 20 --retry 3 -H @- -o "$new/answer" -w '%{http_code}' \
      "$manager/v1/projects/$PROJECT/secrets/$secret/versions/latest:access") || status=000
  case "$status" in
    200) ;;
    403) fail "reading $secret is refused: grant roles/secretmanager.secretAccessor on it to the machine's service account" ;;
    404) fail "$secret has no version yet: gcloud secrets versions add $secret --data-file=FILE --project=$PROJECT" ;;
    000) fail "Secret Manager does not answer for $secret" ;;
    *) fail "Secret Manager answers $status for $secret" ;;
  esac
  tr -d '\n' <"$new/answer" | sed -n 's/.*"data" *: *"\([^"]*\)".*/\1/p' | base64 -d >"$new/$name"
  [ -s "$new/$name" ] || fail "$secret is empty"
  rm -f "$new/answer"
  chmod 0400 "$new/$name"
  mkdir -p "$folder/$name"
  mv -f "$new/$name" "$folder/$name/value"
done

chmod -R u=rX,go= "$folder"
chown -R "$owner" "$folder"
echo "mainstem-secrets: $# read"
