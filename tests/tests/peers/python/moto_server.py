"""moto's X-Ray, until it is killed."""

import logging
import threading

from moto.server import ThreadedMotoServer

logging.getLogger("werkzeug").setLevel(logging.ERROR)
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print(f"moto was started successfully on port {server.get_host_and_port()[1]}.", flush=True)
threading.Event().wait()
