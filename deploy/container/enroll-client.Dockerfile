# Brevet's key roller, for sidecars, init containers, DaemonSets and CronJobs. Built from the root of the tree:
#   docker build -f deploy/container/enroll-client.Dockerfile .
FROM docker.io/library/rust:1.95-bookworm AS build
WORKDIR /src
COPY Cargo.toml Cargo.lock ./
COPY identity identity
COPY protocol protocol
COPY ledger ledger
COPY policies policies
COPY ca-server ca-server
COPY enroll-client enroll-client
COPY pki-test-fixtures pki-test-fixtures
COPY tests tests
RUN cargo build --locked --profile dist -p enroll-client --bin enroll-client

FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /src/target/dist/enroll-client /usr/bin/enroll-client
USER 65532:65532
ENTRYPOINT ["/usr/bin/enroll-client"]
CMD ["run", "--config", "/etc/brevet/enroll-client.toml"]
