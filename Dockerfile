# The image of the service: models/, service/ and its packages on a slim Python, run by an unprivileged user.
ARG BASE=docker.io/library/python:3.12-slim

FROM ${BASE} AS packages
COPY requirements.txt /
# Only wheels, each checked against its hash: nothing is compiled, so the build is the same on every architecture.
RUN python -m venv --without-pip /opt/digits \
 && python -m pip --python /opt/digits/bin/python install \
      --no-cache-dir --only-binary :all: --require-hashes --no-compile -r /requirements.txt

FROM ${BASE}
COPY --from=packages /opt/digits /opt/digits
WORKDIR /srv/digits
COPY models/ models/
COPY service/ service/
ENV PATH=/opt/digits/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    DIGITS_HOST=0.0.0.0 \
    DIGITS_PORT=8080
USER 65534:65534
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 \
  CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f'http://127.0.0.1:{os.environ[\"DIGITS_PORT\"]}/readyz', timeout=2)"]
ENTRYPOINT ["gunicorn", "--config", "service/gunicorn.conf.py"]
