# Two stages: the first builds what the second only runs, as a user of its own, on a read-only root.
FROM docker.io/library/python:3.11-slim-bookworm AS build
WORKDIR /build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python3 -m venv /opt/callserver
COPY requirements.lock ./
RUN /opt/callserver/bin/pip install --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY callserver callserver
RUN /opt/callserver/bin/pip install --no-deps .

FROM docker.io/library/python:3.11-slim-bookworm
LABEL org.opencontainers.image.title="callserver" \
      org.opencontainers.image.description="Call routing and live rating for China's 400 numbers" \
      org.opencontainers.image.licenses="MIT"
RUN useradd --system --uid 10400 --home-dir /var/lib/callserver --shell /usr/sbin/nologin callserver \
    && install -d -o callserver -g callserver -m 0700 /var/lib/callserver
USER callserver
WORKDIR /var/lib/callserver
VOLUME /var/lib/callserver
ENV PATH=/opt/callserver/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    CALLSERVER_SERVER__DATA=/var/lib/callserver \
    CALLSERVER_SERVER__HTTP=0.0.0.0:8400 \
    CALLSERVER_SERVER__FASTAGI=0.0.0.0:4573
EXPOSE 8400 4573
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python3", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8400/healthz', timeout=2)"]
ENTRYPOINT ["callserver"]
CMD ["serve"]
# Last, what changes with every build: all above stays cached.
COPY dialplan /usr/share/callserver/dialplan
COPY config/callserver.toml /usr/share/callserver/callserver.toml
COPY --from=build /opt/callserver /opt/callserver
