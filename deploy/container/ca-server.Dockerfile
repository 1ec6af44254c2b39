# Brevet's certificate authority. Built from the root of the tree: docker build -f deploy/container/ca-server.Dockerfile .
#
# One program in an image with nothing else: no shell, no package manager. Run it with a read-only root and one volume:
#   docker run --read-only --user 65532:65532 -v brevet-ca:/var/lib/brevet-ca -v ./etc:/etc/brevet:ro brevet/ca-server serve
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
RUN cargo build --locked --profile dist -p ca-server --bin ca-server

FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /src/target/dist/ca-server /usr/bin/ca-server
# API, public.
EXPOSE 8443 8080
# The uid of `nonroot`, as a number, so that runAsNonRoot can be checked.
USER 65532:65532
ENTRYPOINT ["/usr/bin/ca-server"]
CMD ["serve", "--config", "/etc/brevet/ca-server.toml"]
