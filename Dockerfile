# Xinsheng 心声: serves on port 8000 as an ordinary user. See docs/operating/handbook.md, section 2.2.
FROM python:3.11-slim-bookworm

RUN useradd --system --uid 10001 --no-create-home --home-dir /nonexistent \
      --shell /usr/sbin/nologin xinsheng \
    && install -d -m 0700 -o xinsheng -g xinsheng /var/lib/xinsheng /var/backups/xinsheng

WORKDIR /opt/xinsheng
COPY requirements.lock ./
RUN python -m venv .venv \
    && .venv/bin/pip install --no-cache-dir --disable-pip-version-check \
      --require-hashes --requirement requirements.lock
COPY pyproject.toml alembic.ini README.md LICENSE ./
COPY app app
COPY migrations migrations
RUN .venv/bin/pip install --no-cache-dir --disable-pip-version-check \
      --no-deps --no-build-isolation --editable .

ENV PATH=/opt/xinsheng/.venv/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    XINSHENG_DATA_DIR=/var/lib/xinsheng \
    XINSHENG_BACKUP_DIR=/var/backups/xinsheng \
    XINSHENG_LOG_LEVEL=info
USER 10001:10001
VOLUME ["/var/lib/xinsheng", "/var/backups/xinsheng"]
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=6s --start-period=60s --retries=3 \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/readyz', timeout=5)"]
CMD ["xinsheng", "serve", "--host", "0.0.0.0", "--port", "8000", "--workers", "2"]
