"""Whether the Jupyter server of this container answers. It needs no token: /api says its version to everybody."""

import http.client
import os
import sys

PORT = 8888  # within the container; which port the outside sees is for `docker run -p` to say
prefix = os.environ.get("JUPYTERHUB_SERVICE_PREFIX", "/").rstrip("/")
try:
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=4)
    connection.request("GET", f"{prefix}/api")
    status = connection.getresponse().status
except OSError as error:
    sys.exit(f"The Jupyter server does not answer on port {PORT}: {error}")
if status != 200:
    sys.exit(f"The Jupyter server answers on port {PORT} with status {status}")
