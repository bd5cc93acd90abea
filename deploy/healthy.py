"""Whether the Jupyter server of this container answers. It needs no token: /api says its version to everybody."""

import http.client
import os
import sys

port = int(os.environ.get("LABS_PORT", "8888"))
prefix = os.environ.get("JUPYTERHUB_SERVICE_PREFIX", "/").rstrip("/")
try:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=4)
    connection.request("GET", f"{prefix}/api")
    status = connection.getresponse().status
except OSError as error:
    sys.exit(f"The Jupyter server does not answer on port {port}: {error}")
if status != 200:
    sys.exit(f"The Jupyter server answers on port {port} with status {status}")
