FROM python:3.12-slim AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY monitor ./monitor
COPY detectors ./detectors
COPY alerts ./alerts
COPY migrations ./migrations
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels .
RUN python -m venv --without-pip /opt/fullback \
 && pip --python /opt/fullback/bin/python install --no-cache-dir --only-binary :all: "$(echo /wheels/*.whl)[kubernetes]"

FROM python:3.12-slim
ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="fullback" \
      org.opencontainers.image.description="Watches quantized LLM variants in production and falls back to full precision when they drift." \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.licenses="Apache-2.0"
# PostgreSQL's initdb, which the embedded database runs, asks for a name behind the user id.
RUN groupadd --gid 10001 fullback \
 && useradd --uid 10001 --gid 10001 --home-dir /var/lib/fullback --no-create-home --shell /usr/sbin/nologin fullback \
 && install --directory --owner=10001 --group=10001 --mode=0755 /var/lib/fullback
COPY --from=build /opt/fullback /opt/fullback
ENV PATH=/opt/fullback/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    FULLBACK_HOST=0.0.0.0 \
    FULLBACK_DATA_DIR=/var/lib/fullback
WORKDIR /var/lib/fullback
USER 10001:10001
EXPOSE 8400
ENTRYPOINT ["fullback"]
CMD ["serve"]
