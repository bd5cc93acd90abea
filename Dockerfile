# The class image: the labs with all that they need, ready to run without a network. What is in it, and how large each part is:
# deploy/README.md.
#
#   docker build -t labs .
#   docker run --rm -p 8888:8888 labs
#
# Binder builds it as it is, with NB_USER and NB_UID for the user, and runs a command of its own in it; a JupyterHub does so, too.
#
# A tag moves. To build on one image only, name it by its digest, as the recipe for publishing does:
#   --build-arg RUST_IMAGE=rust:1.95-slim-bookworm@sha256:…
# `docker buildx imagetools inspect rust:1.95-slim-bookworm` prints the digest of today.
ARG RUST_IMAGE=rust:1.95-slim-bookworm
ARG NB_USER=jovyan
ARG NB_UID=1000

# Debian, with a linker from the base, Python, and an init that collects what others leave.
FROM ${RUST_IMAGE} AS system
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends ca-certificates python3 python3-venv tini \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/*

# The labs, made at the place where they will be.
FROM system AS made
ENV LABS_HOME=/opt/made LC_ALL=C.UTF-8
WORKDIR /opt/labs
# The compiler without rustup, which would look at each call which toolchain is meant, and without what no cell needs. The
# compiler's version must be that of the labs.
COPY rust-toolchain.toml .
RUN cd / \
    && rust=$(rustc --print sysroot) \
    && { [ -d "$rust/lib/rustlib/src/rust/library" ] || rustup component add rust-src; } \
    && cp -a "$rust" /opt/rust \
    && cd /opt/rust \
    && rm -rf share etc bin/rustdoc bin/rust-gdb* bin/rust-lldb bin/*clippy* bin/*fmt* bin/*analyzer* \
        lib/rustlib/multirust* lib/rustlib/uninstall.sh lib/rustlib/install.log lib/rustlib/manifest-* \
    && find lib/rustlib -mindepth 1 -maxdepth 1 -type d ! -name src ! -name etc ! -name "$(rustc -vV | sed -n 's/^host: //p')" -exec rm -rf {} + \
    && grep -qF "channel = \"$(bin/rustc --version | cut -d' ' -f2)\"" /opt/labs/rust-toolchain.toml
ENV PATH=/opt/labs/bin:/opt/made/venv/bin:/opt/rust/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
COPY . .
RUN --mount=type=cache,target=/opt/labs/target --mount=type=cache,target=/usr/local/cargo/registry \
    cargo build --release --locked --package labs --package labs-evcxr --package broker-tls \
    && install -D --strip --target-directory bin target/release/labs target/release/labs-evcxr target/release/broker-tls
# A home of cargo's that holds what cells need and nothing else (without the downloads cargo would ask for them again, although
# they are unpacked); then the Python environment, the sources for type inference in
# the place of the compiler's own, and the warm template. Everybody may read it and nobody write it.
RUN export CARGO_HOME=/opt/cargo PIP_NO_CACHE_DIR=1 \
    && labs setup \
    && test -x "$LABS_HOME/broker/valkey-server" \
    && pip install --quiet --disable-pip-version-check --require-hashes -r deploy/requirements.txt \
    && rm -rf /opt/rust/lib/rustlib/src/rust/library \
    && ln -s "$LABS_HOME/rust-src/library" /opt/rust/lib/rustlib/src/rust/library \
    && find "$LABS_HOME/venv" -path '*/jupyterlab_rise/static/*.js.map' -delete \
    && rm -rf "$LABS_HOME/sessions" "$LABS_HOME/jupyter" target \
    && chmod -R a+rX,go-w /opt \
    && labs doctor
# The student's copy. Whoever the container is run as works in it.
RUN labs copy /home/labs && chmod -R a+rwX /home/labs

# The base without its toolchain, which /opt has.
FROM system AS slim
ARG NB_USER
ARG NB_UID
RUN rm -rf /usr/local/rustup /usr/local/cargo /usr/share/doc /usr/share/man /usr/share/locale /root/.cache \
    && useradd --uid "$NB_UID" --gid 100 --no-create-home --home-dir "/home/$NB_USER" --shell /bin/bash "$NB_USER" \
    && mkdir --mode=1777 "/home/$NB_USER"

# In one layer each, so that what was removed takes no room.
FROM scratch
ARG NB_USER
ARG NB_UID
COPY --from=slim / /
COPY --from=made /opt /opt
COPY --from=made --chown=${NB_UID}:100 /home/labs /home/${NB_USER}/labs
LABEL org.opencontainers.image.title="Coordination labs" \
      org.opencontainers.image.description="Notebooks in Rust about the coordination speed trade-off, ready to run" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0"
# HOME is named so that a user whom /etc/passwd does not know has one too. LABS_COPY says where the student's labs are, whichever server is
# started. Cells compile without the network.
ENV PATH=/opt/labs/bin:/opt/made/venv/bin:/opt/rust/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    CARGO_HOME=/opt/cargo \
    CARGO_NET_OFFLINE=true \
    LABS_HOME=/opt/made \
    LABS_COPY=/home/${NB_USER}/labs \
    USER=${NB_USER} \
    HOME=/home/${NB_USER} \
    SHELL=/bin/bash \
    LC_ALL=C.UTF-8 \
    PYTHONDONTWRITEBYTECODE=1
WORKDIR /home/${NB_USER}
USER ${NB_UID}:100
EXPOSE 8888
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 CMD ["python3", "-I", "/opt/labs/deploy/healthy.py"]
ENTRYPOINT ["tini", "--"]
# Within a container every address is the container's own; which of them the outside reaches is for `docker run -p` to say.
CMD ["labs", "open", "--no-browser", "--ip", "0.0.0.0", "--copy-to", "labs"]
