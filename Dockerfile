# The images of the recording operator: docker build --target operator|worker|trigger .
# The compiler runs on this machine's platform, whatever the image's.
FROM --platform=$BUILDPLATFORM golang:1.26-bookworm AS build
ARG VERSION=dev
ARG TARGETOS
ARG TARGETARCH
# For a module proxy of your own: docker build --build-arg GOPROXY=...
ARG GOPROXY
ARG GOSUMDB
ARG GOFLAGS
ENV CGO_ENABLED=0
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY api api
COPY cmd cmd
COPY internal internal
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    GOOS=$TARGETOS GOARCH=$TARGETARCH go build -trimpath -ldflags "-s -w -X main.version=${VERSION}" -o /out/ ./cmd/manager ./cmd/receiver ./cmd/trigger ./cmd/worker

# ffmpeg with only what the steps use. The cache mount keeps it, whatever else changes.
FROM --platform=$BUILDPLATFORM debian:bookworm-slim AS ffmpeg-build
ARG TARGETARCH
WORKDIR /src
COPY hack/lib.sh hack/lib.sh
COPY hack/images/lib.sh hack/images/lib.sh
COPY hack/ffmpeg hack/ffmpeg
RUN --mount=type=cache,target=/root/.cache/recording-operator/ffmpeg cp -r "$(ARCH=$TARGETARCH hack/ffmpeg/build.sh)" /out

# The program alone: docker build --target ffmpeg --output type=local,dest=DIR .
FROM scratch AS ffmpeg
COPY --from=ffmpeg-build /out /

# The operator: one image with two commands, /receiver and /manager, and the certificates that S3 servers are checked by.
FROM scratch AS operator
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/receiver /out/manager /
USER 65532:65532
# The command decides the process: /receiver serves callbacks, /manager reconciles.
CMD ["/manager"]

# The image of a trigger's pod: one static program, which talks to the API server of its own cluster alone.
FROM scratch AS trigger
COPY --from=build /out/trigger /usr/local/bin/trigger
USER 65532:65532
ENTRYPOINT ["/usr/local/bin/trigger"]

# The image of a step's pod: two static programs and certificates, no shell and no libraries.
FROM scratch AS worker
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=ffmpeg /ffmpeg /usr/local/bin/ffmpeg
COPY --from=ffmpeg /copyright /usr/local/share/doc/ffmpeg
COPY --from=build /out/worker /usr/local/bin/worker
ENV PATH=/usr/local/bin
USER 65532:65532
ENTRYPOINT ["/usr/local/bin/worker"]
