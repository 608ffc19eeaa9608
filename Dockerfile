ARG BASE_IMAGE=python:3.11-slim

FROM ${BASE_IMAGE} AS build
ARG EXTRAS=gcp,postgres,duckdb,docker
WORKDIR /src
COPY pyproject.toml README.md LICENSE requirements-dev.txt ./
COPY server ./server
# The lock is a constraint: what the extras need comes in exactly the locked versions.
RUN python -m venv /opt/mainstem \
 && sed -e 's/ *\\$//' -e '/^ *--hash/d' -e '/^ *#/d' requirements-dev.txt > constraints.txt \
 && /opt/mainstem/bin/pip install --no-cache-dir --disable-pip-version-check -c constraints.txt ".[${EXTRAS}]" \
 && find /opt/mainstem -name "__pycache__" -prune -exec rm -rf {} + \
 && rm -rf /opt/mainstem/lib/python3*/site-packages/pip

FROM ${BASE_IMAGE}
COPY --from=build /opt/mainstem /opt/mainstem
ENV PATH=/opt/mainstem/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    MAINSTEM_STATE_DIR=/var/lib/mainstem \
    MAINSTEM_LOG_FORMAT=json
WORKDIR /var/lib/mainstem
RUN chown 10001:10001 /var/lib/mainstem
USER 10001:10001
VOLUME /var/lib/mainstem
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
  CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8080/health', timeout=2)"]
# Until the server has users it listens on loopback only: share its network, or put a proxy with
# authentication into the same network namespace.
ENTRYPOINT ["mainstem"]
CMD ["up"]
