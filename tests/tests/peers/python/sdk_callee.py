"""A Flask application with the X-Ray SDK's middleware. It says what it knows of the trace that it is part of.

Argument: the daemon's address.
"""

import logging
import sys

from aws_xray_sdk.core import xray_recorder
from aws_xray_sdk.ext.flask.middleware import XRayMiddleware
from flask import Flask
from werkzeug.serving import make_server

logging.getLogger("werkzeug").setLevel(logging.ERROR)
xray_recorder.configure(service="callee", daemon_address=sys.argv[1], sampling=False)
app = Flask("callee")
XRayMiddleware(app, xray_recorder)


@app.get("/whose")
def whose():
    segment = xray_recorder.current_segment()
    return {"trace_id": segment.trace_id, "parent_id": segment.parent_id, "sampled": bool(segment.sampled)}


server = make_server("127.0.0.1", 0, app)
print(f"callee started successfully on port {server.server_port}.", flush=True)
server.serve_forever()
