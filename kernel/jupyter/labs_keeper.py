"""Keeps a spare Rust kernel beside this Jupyter server, so that a notebook is ready when it opens.

The keeper is `labs keep`, a child of the server. It ends when the server ends, however that happens. It is given a socket that
listens already, so no notebook can ask too early. The kernels that this server starts find the socket by its name, which is in
their environment. It lies in Linux's abstract namespace, so there is no file, and keeper and kernels look whether the other one
belongs to the same user.
"""

import os
import socket
import string
import subprocess
import uuid

ADDRESS = "LABS_SPARE"


def _jupyter_server_extension_points():
    return [{"module": __name__}]


def _load_jupyter_server_extension(server):
    try:
        keep(server.kernel_spec_manager.get_kernel_spec("rust"))
    except Exception as error:  # the server is worth more than its spare
        server.log.warning("No spare Rust kernel is kept: %s", error)


def keep(spec):
    """Starts the keeper for the program that `spec` starts as a kernel."""
    if spec.argv[1:2] != ["kernel"]:
        return None  # somebody else's Rust kernel
    program = spec.argv[0].replace("{resource_dir}", spec.resource_dir)  # as Jupyter does for the kernel
    name = f"labs-{uuid.uuid4().hex}"
    env = {key: string.Template(value).safe_substitute(os.environ) for key, value in spec.env.items()}
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"\0{name}")
        listener.listen()
        keeper = subprocess.Popen(
            [program, "keep"],
            env={**os.environ, **env, "LABS_PARENT": str(os.getpid())},
            stdin=listener,
            start_new_session=True,  # a Ctrl-C in the terminal is for the server, which may ask before it stops
        )
    os.environ[ADDRESS] = name
    return keeper
