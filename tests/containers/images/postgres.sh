#!/usr/bin/env bash
# postgres.sh IMAGE BASE_IMAGE: PostgreSQL 15 from this machine's files, with the official image's settings.
set -euo pipefail

image=$1
base=$2
context=$(mktemp -d)
trap 'rm -rf "$context"' EXIT

mkdir -p "$context"/root/usr/lib/{x86_64-linux-gnu,postgresql} "$context/root/usr/share/postgresql"
cp -a /usr/lib/postgresql/15 "$context/root/usr/lib/postgresql/"
cp -a /usr/share/postgresql/15 "$context/root/usr/share/postgresql/"
find /usr/lib/postgresql/15 -type f \( -perm -u+x -o -name '*.so' \) -print0 |
  xargs -0 ldd 2>/dev/null | awk '$2 == "=>" && $3 ~ /^\// {print $3}' | sort -u |
  xargs -I{} cp -L -n {} "$context/root/usr/lib/x86_64-linux-gnu/" || true

cat >"$context/docker-entrypoint.sh" <<'S'
#!/bin/bash
# POSTGRES_USER, POSTGRES_PASSWORD or POSTGRES_PASSWORD_FILE, POSTGRES_DB, PGDATA.
set -euo pipefail
export PATH=/usr/lib/postgresql/15/bin:$PATH PGDATA=${PGDATA:-/var/lib/postgresql/data}
user=${POSTGRES_USER:-postgres}
password=${POSTGRES_PASSWORD:-}
if [ -n "${POSTGRES_PASSWORD_FILE:-}" ]; then password=$(cat "$POSTGRES_PASSWORD_FILE"); fi
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  initdb -U "$user" --pwfile=<(echo "$password") --auth-host=scram-sha-256 --auth-local=trust -N -D "$PGDATA" >/dev/null
  echo 'host all all all scram-sha-256' >>"$PGDATA/pg_hba.conf"
  pg_ctl -D "$PGDATA" -o "-c listen_addresses='' -k /tmp" -w start >/dev/null
  [ "${POSTGRES_DB:-$user}" = postgres ] ||
    psql -h /tmp -U "$user" -d postgres -qc "create database \"${POSTGRES_DB:-$user}\""
  pg_ctl -D "$PGDATA" -m fast -w stop >/dev/null
fi
exec postgres -D "$PGDATA" -c listen_addresses='*' -k /tmp
S
chmod 755 "$context/docker-entrypoint.sh"
cat >"$context/Dockerfile" <<'S'
ARG BASE_IMAGE
FROM ${BASE_IMAGE}
COPY root/ /
COPY docker-entrypoint.sh /usr/local/bin/
RUN ldconfig >/dev/null 2>&1 || true; \
    echo 'postgres:x:70:70::/var/lib/postgresql:/bin/bash' >> /etc/passwd; \
    mkdir -p /var/lib/postgresql/data && chown -R 70:70 /var/lib/postgresql
USER 70:70
ENV PATH=/usr/lib/postgresql/15/bin:/usr/local/bin:/usr/bin:/bin
VOLUME /var/lib/postgresql/data
EXPOSE 5432
ENTRYPOINT ["docker-entrypoint.sh"]
S
DOCKER_BUILDKIT=0 docker build -q --build-arg "BASE_IMAGE=$base" -t "$image" "$context"
