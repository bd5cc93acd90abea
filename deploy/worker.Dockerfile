# One worker of lab 06, a program of some megabytes: see deploy/compose.yaml.
ARG RUST_IMAGE=rust:1.95-slim-bookworm

FROM ${RUST_IMAGE} AS made
WORKDIR /labs
COPY . .
RUN cargo build --release --locked --package broker --bin worker --package broker-tls

FROM debian:bookworm-slim
# The authorities to trust, for an address that begins with rediss://, and the program that does TLS.
COPY --from=made /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=made /labs/target/release/worker /labs/target/release/broker-tls /usr/local/bin/
USER 65534
ENTRYPOINT ["worker"]
