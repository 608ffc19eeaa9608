# Two stages: the first installs into a virtual environment, the second holds only what runs.
#   docker build --build-arg EXTRAS=gcp,postgres,dbt-bigquery,dbt-postgres -t mainstem .
ARG BASE_IMAGE=python:3.11-slim

FROM ${BASE_IMAGE} AS build
# Any of: gcp, aws, mysql, postgres, duckdb, docker, dbt-bigquery, dbt-postgres, dbt-duckdb, local-gcp
ARG EXTRAS=gcp,postgres,docker
WORKDIR /src
COPY requirements-dev.txt ./
# The lock is a constraint: what the extras need comes in exactly the locked versions.
RUN python -m venv /opt/mainstem \
 && sed -e 's/ *\\$//' -e '/^ *--hash/d' -e '/^ *#/d' requirements-dev.txt > constraints.txt
COPY pyproject.toml README.md LICENSE ./
COPY server ./server
# Compiled here, because the user that runs it may not write beside the code. Some packages carry
# templates that are no Python, so compileall's verdict does not count.
RUN /opt/mainstem/bin/pip install --no-cache-dir --no-compile --disable-pip-version-check \
      -c constraints.txt ".[${EXTRAS}]" \
 && /opt/mainstem/bin/pip uninstall --yes --quiet setuptools pip \
 && find /opt/mainstem/lib -type d \( -path '*/site-packages/numpy/*/tests' \
      -o -path '*/site-packages/numpy/f2py' -o -path '*/site-packages/numpy/_core/include' \) \
      -prune -exec rm -rf {} + \
 && find /opt/mainstem/lib \( -name '*.pyi' -o -name '*.pxd' \) -exec rm -f {} + \
 && { python -m compileall -q -j 0 -x '/(numpy|holidays)/' /opt/mainstem/lib || true; }

FROM ${BASE_IMAGE}
# Git and ssh for the sync agent, where the base image does not bring them.
RUN if ! { command -v git && command -v ssh; } >/dev/null; then \
      apt-get update \
      && apt-get install -y --no-install-recommends ca-certificates git openssh-client \
      && rm -rf /var/lib/apt/lists/*; \
    fi
COPY --from=build /opt/mainstem /opt/mainstem
ENV PATH=/opt/mainstem/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    HOME=/var/lib/mainstem \
    MAINSTEM_STATE_DIR=/var/lib/mainstem/state \
    MAINSTEM_LOG_FORMAT=json
RUN mkdir -p /var/lib/mainstem/state && chown -R 10001:10001 /var/lib/mainstem
WORKDIR /var/lib/mainstem
USER 10001:10001
VOLUME /var/lib/mainstem
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
  CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8080/health', timeout=2)"]
ENTRYPOINT ["mainstem"]
CMD ["up"]
