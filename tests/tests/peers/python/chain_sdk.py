"""One hop of a chain: a Flask application with the X-Ray SDK, which calls the next hop with requests.

Arguments: the service's name, the daemon's address, and the URL of the next hop, if there is one. It answers with what each
hop from here on knows of the trace.
"""

import logging
import sys

import requests
from aws_xray_sdk.core import patch, xray_recorder
from aws_xray_sdk.ext.flask.middleware import XRayMiddleware
from flask import Flask
from werkzeug.serving import make_server

name, daemon, *following = sys.argv[1:]
logging.getLogger("werkzeug").setLevel(logging.ERROR)
xray_recorder.configure(service=name, daemon_address=daemon, sampling=False)
patch(["requests"])
app = Flask(name)
XRayMiddleware(app, xray_recorder)


@app.get("/")
def hop():
    segment = xray_recorder.current_segment()
    hops = [{"service": name, "trace_id": segment.trace_id}]
    for url in following:
        response = requests.get(url, timeout=60)
        response.raise_for_status()
        hops += response.json()
    return hops


server = make_server("127.0.0.1", 0, app)
print(f"{name} started successfully on port {server.server_port}.", flush=True)
server.serve_forever()
