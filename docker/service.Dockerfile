# The Python processes of candleloop: API, relay, workers, MLflow, dashboard and the one-shot `prepare`; compose says which.

FROM python:3.11-slim AS packages
RUN python -m venv /opt/venv
WORKDIR /opt/candleloop
COPY requirements.lock .
# The lock names every package with its hashes, so nothing is resolved here (see scripts/environment).
RUN --mount=type=cache,target=/root/.cache/pip \
    /opt/venv/bin/pip install --disable-pip-version-check --require-hashes --no-deps -r requirements.lock
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY api api
COPY candleloop candleloop
COPY cli cli
COPY config config
COPY jobs jobs
COPY workers workers
# Editable: config/ is read beside the code, as in a checkout.
RUN /opt/venv/bin/pip install --disable-pip-version-check --no-deps --no-build-isolation --editable . \
 && /opt/venv/bin/python -m compileall -q api candleloop cli config jobs workers \
 && rm -rf build

FROM python:3.11-slim AS service
RUN groupadd --gid 10001 candleloop \
 && useradd --uid 10001 --gid candleloop --no-create-home --home-dir /tmp candleloop \
 && install -d -o candleloop -g candleloop /var/lib/candleloop /var/lib/candleloop/storage /var/lib/candleloop/mlflow
COPY --from=packages /opt/venv /opt/venv
COPY --from=packages /opt/candleloop /opt/candleloop
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp \
    MPLCONFIGDIR=/tmp/matplotlib \
    GIT_PYTHON_REFRESH=quiet \
    MLFLOW_DISABLE_TELEMETRY=true \
    DO_NOT_TRACK=true \
    CANDLELOOP_HOME=/tmp/candleloop
WORKDIR /opt/candleloop
USER candleloop
CMD ["candleloop", "--help"]
