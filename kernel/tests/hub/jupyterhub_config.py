"""A JupyterHub for the test: it lets everybody in, and starts a server for each user as a process of this one's user."""

import json
import os

about = json.loads(os.environ["LABS_TEST"])
c = get_config()  # noqa: F821
c.JupyterHub.bind_url = f"http://127.0.0.1:{about['ports'][0]}"
c.JupyterHub.hub_bind_url = f"http://127.0.0.1:{about['ports'][1]}"
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{about['ports'][2]}"
c.ConfigurableHTTPProxy.command = [about["proxy"]]
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allow_all = True
c.JupyterHub.spawner_class = "simple"
c.SimpleLocalProcessSpawner.home_dir_template = f"{about['folder']}/{{username}}"
c.Spawner.cmd = [about["server"]]
c.Spawner.args = about["arguments"]
c.Spawner.start_timeout = c.Spawner.http_timeout = 300  # a machine with other work
c.Spawner.environment = about["environment"]
c.JupyterHub.services = [{"name": "test", "api_token": about["token"]}]
c.JupyterHub.load_roles = [
    {"name": "test", "services": ["test"], "scopes": ["admin:users", "admin:servers", "access:servers"]}
]
