# The image of trikd: the services, and the command `trikd` as its entry point. No shell, no package manager, no Python.
#
#   docker build --tag trikd .
#   docker build --tag trikd:cuda --target cuda .
#
# The files come from scripts/build-image.ts, and `make image` builds the same image without a daemon. BASE is a Debian, or a distribution
# made from it, with Node.js >= 22.18; its C library goes into the image. Node.js and TensorFlow are the pinned ones of the Makefile.
ARG BASE=node:24-bookworm

FROM ${BASE} AS source
ARG NPM_CONFIG_REGISTRY
ARG PIP_INDEX_URL
# Build tools do not reach the image, so the newest ones of the distribution will do.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install --yes --no-install-recommends binutils ca-certificates g++ make python3 python3-venv \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY . .
RUN --mount=type=cache,target=/root/.npm make build

FROM source AS build-cpu
RUN --mount=type=cache,target=/root/.cache make imagelayers TENSORFLOW=cpu LAYERS=/image

FROM source AS build-cuda
RUN --mount=type=cache,target=/root/.cache make imagelayers TENSORFLOW=gpu LAYERS=/image

FROM scratch AS settings
ARG VERSION=0.0.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="trikd" \
      org.opencontainers.image.description="Triplet Knowledge Distillation as gRPC services" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# As `trikd run` starts services: without the two, each gains about 100 MB that it does not use.
ENV MALLOC_ARENA_MAX=2 \
    NODE_OPTIONS=--max-semi-space-size=8
WORKDIR /app
USER 65532:65532
EXPOSE 50051 50052 8080
ENTRYPOINT ["/usr/local/bin/node", "/app/services/cli/dist/main.js"]

FROM settings AS cuda
# The first two are for the container runtime of NVIDIA, which brings the driver.
ENV NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility \
    LD_LIBRARY_PATH=/usr/local/cuda/lib64
COPY --from=build-cuda /image/base /
COPY --from=build-cuda /image/tensorflow /
COPY --from=build-cuda /image/packages /
COPY --from=build-cuda /image/app /
COPY --from=build-cuda --chown=65532:65532 /image/home /var/lib/trikd

# The last stage is what `docker build` makes by default.
FROM settings AS cpu
COPY --from=build-cpu /image/base /
COPY --from=build-cpu /image/tensorflow /
COPY --from=build-cpu /image/packages /
COPY --from=build-cpu /image/app /
COPY --from=build-cpu --chown=65532:65532 /image/home /var/lib/trikd
