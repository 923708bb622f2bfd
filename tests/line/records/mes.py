"""An MES for tests: takes what is posted to it, and answers as it is told."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Mes:
    """A server on a port of its own; ``answers`` are given one after the other, 200 when there are no more."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.got = []
        self.arrived = threading.Condition()
        mes = self

        class Receiver(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with mes.arrived:
                    status = mes.answers.pop(0) if mes.answers else 200
                    mes.got.append((dict(self.headers), body, status))
                    mes.arrived.notify_all()
                if status == "hang up":
                    self.connection.close()
                    return
                self.send_response(status)
                if 300 <= status < 400:
                    self.send_header("Location", mes.url + "elsewhere")
                self.end_headers()
                self.wfile.write(f"because {status}".encode())

            def log_message(self, *words):
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
        self.url = f"http://127.0.0.1:{self._server.server_port}/moduline/"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *failure):
        self._server.shutdown()
        self._thread.join(60)
        self._server.server_close()

    @property
    def taken(self):
        """Ids of the records that were answered with 2xx, in that order."""
        return [json.loads(body)["record"]["id"] for _, body, status in self.got if status == 200]

    def wait_taken(self, count, limit_s=60.0):
        """Until so many were taken."""
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.taken) >= count, limit_s), self.got
