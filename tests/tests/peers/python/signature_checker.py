"""An X-Ray that takes whatever is signed as botocore would have signed it, and says so of each request.

Its first argument is a JSON object: region, access_key, secret_key, token. POST takes anything; GET gives back the list of what came.
"""

import gzip
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

known = json.loads(sys.argv[1])
received = []


def agrees(method, path, headers, body):
    """Signs the request again, with the headers that its signature names, and compares."""
    _, fields = headers["Authorization"].split(" ", 1)
    fields = dict(field.strip().split("=", 1) for field in fields.split(","))
    signed = {name: headers[name] for name in fields["SignedHeaders"].split(";")}
    request = AWSRequest(method, f"http://{headers['Host']}{path}", headers=signed, data=body)
    request.context["timestamp"] = headers["X-Amz-Date"]
    signer = SigV4Auth(
        Credentials(known["access_key"], known["secret_key"], known["token"]), "xray", known["region"]
    )
    text = signer.string_to_sign(request, signer.canonical_request(request))
    return (
        fields["Credential"] == signer.scope(request)
        and fields["SignedHeaders"] == signer.signed_headers(signer.headers_to_sign(request))
        and fields["Signature"] == signer.signature(text, request)
    )


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        zipped = self.headers.get("Content-Encoding") == "gzip"
        received.append(
            {
                "path": self.path,
                "headers": {name.lower(): value for name, value in self.headers.items()},
                "body": (gzip.decompress(body) if zipped else body).decode(errors="replace"),
                "agrees": agrees("POST", self.path, self.headers, body),
            }
        )
        # The OTLP endpoint answers with an empty message where all is well.
        self.answer({"UnprocessedTraceSegments": []} if self.path == "/TraceSegments" else None)

    def do_GET(self):
        self.answer(received)

    def answer(self, value):
        body = b"" if value is None else json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/x-protobuf" if value is None else "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(f"signature checker was started successfully on port {server.server_port}.", flush=True)
server.serve_forever()
