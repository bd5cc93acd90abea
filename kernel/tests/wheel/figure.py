"""Asks the Jupyter server at ADDRESS, which has a token in it, for a kernel; runs a cell that ends in a figure; says "figure" when
that was shown; and ends the kernel when standard input is closed.

    python figure.py ADDRESS
"""

import asyncio
import json
import sys
import urllib.parse
import urllib.request

from tornado.websocket import websocket_connect

CELL = """
let workers = Workers::spawn(2, |worker| worker.index() as f64 + 1.0)?;
let values = workers.join()?.values()?;
Bars::new("Two workers").value("what they brought").bar("first", values[0]).bar("second", values[1])
"""

address = urllib.parse.urlsplit(sys.argv[1])
token = urllib.parse.parse_qs(address.query)["token"][0]
host = address.netloc


def ask(method, path, body=None):
    request = urllib.request.Request(f"http://{host}/{path}", method=method)
    request.add_header("Authorization", f"token {token}")
    body = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(request, body) as answer:
        return json.loads(answer.read() or b"null")


async def run(kernel):
    socket = await websocket_connect(f"ws://{host}/api/kernels/{kernel}/channels?token={token}")
    header = {"msg_id": "cell", "username": "", "session": "test", "date": "", "msg_type": "execute_request", "version": "5.3"}
    content = {"code": CELL, "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": False, "stop_on_error": True}
    message = {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell", "buffers": []}
    await socket.write_message(json.dumps(message))
    passed, at_end = None, False
    while passed is None or not at_end:  # the reply may come before what the cell shows
        message = json.loads(await socket.read_message())
        if message["parent_header"].get("msg_id") != "cell":
            continue
        kind, content = message["header"]["msg_type"], message["content"]
        if "image/svg+xml" in content.get("data", {}) or "<svg" in str(content.get("data", {})):
            print("figure", flush=True)
        if kind == "error":
            print("\n".join(content["traceback"]), flush=True)
        if kind == "execute_reply":
            passed = content["status"] == "ok"
        at_end |= kind == "status" and content["execution_state"] == "idle"
    print("done", flush=True)
    return passed


specs = ask("GET", "api/kernelspecs")["kernelspecs"]
print("kernels", *sorted(specs), flush=True)
session = ask("POST", "api/sessions", {"path": "figure.ipynb", "name": "", "type": "notebook", "kernel": {"name": "rust"}})
kernel = session["kernel"]["id"]
passed = asyncio.run(run(kernel))
sys.stdin.read()
ask("DELETE", f"api/kernels/{kernel}")
sys.exit(not passed)
