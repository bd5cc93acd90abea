# One worker of lab 06, a program of some megabytes: see deploy/compose.yaml.
ARG RUST_IMAGE=rust:1.95-slim-bookworm

FROM ${RUST_IMAGE} AS made
WORKDIR /labs
COPY . .
RUN cargo build --release --locked --package broker --bin worker

FROM debian:bookworm-slim
COPY --from=made /labs/target/release/worker /usr/local/bin/worker
USER 65534
ENTRYPOINT ["worker"]
