"""``request`` against a server of the standard library: methods, bodies, generators, exceptions, TLS.

Source: device-api 12.1.
"""

import contextlib
import http.server
import json
import threading

from moduline.vmodule.world.network import NetworkPlan
from transcripts.online import eventually, online


class Handler(http.server.BaseHTTPRequestHandler):
    """Tells in JSON what it was asked; some paths are special."""

    def _answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.seen.append((self.command, self.path, dict(self.headers), body, self.request_version))
        if self.path == "/away":
            self.send_response(302)
            self.send_header("Location", "http://elsewhere/")
            self.end_headers()
            return
        content = {"/long": b"0123456789" * 100, "/euro": "€".encode() * 100, "/empty": b""}.get(
            self.path, json.dumps({"method": self.command, "body": body.decode("latin-1")}).encode()
        )
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("X-When", "12:30:59")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, *_):
        pass


for verb in ("GET", "POST", "PUT", "HEAD", "PATCH", "DELETE"):
    setattr(Handler, f"do_{verb}", Handler._answer)


@contextlib.contextmanager
def http_server():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.seen = []
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def with_module(story):
    """Run ``story(client, server, board, network)`` with a module whose www.example.com is a server of this test."""
    with http_server() as server:
        port = server.server_address[1]

        async def whole(client, board, network):
            await client.ask("import request")
            await story(client, server, board, network)

        online(whole, NetworkPlan(aliases={"www.example.com": f"127.0.0.1:{port}"}))


def test_get_when_server_answers_gives_status_reason_headers_and_json():
    async def story(client, server, board, network):
        await client.ask("r = request.get('http://www.example.com/a/b?c=d')")
        assert await client.ask("r.status_code, r.reason") == "(200, b'OK')\n"
        assert await client.ask("r.json()") == "{'method': 'GET', 'body': ''}\n"
        assert await client.ask("r.json() is None") == "True\n"
        method, path, headers, body, version = server.seen[0]
        assert (method, path, body, version) == ("GET", "/a/b?c=d", b"", "HTTP/1.0")
        assert headers == {"Host": "www.example.com"}

    with_module(story)


def test_headers_when_value_has_colons_end_before_the_second_as_the_device_does():
    async def story(client, server, board, network):
        await client.ask("r = request.get('http://www.example.com/')")
        assert await client.ask("r.headers['X-When']") == "' 12'\n"
        assert await client.ask("int(r.headers['Content-Length'])") == "29\n"

    with_module(story)


def test_content_is_a_generator_of_pieces_of_sizeof():
    async def story(client, server, board, network):
        await client.ask("r = request.get('http://www.example.com/long')")
        assert await client.ask("[len(p) for p in r.content]") == "[255, 255, 255, 235]\n"
        await client.ask("r = request.get('http://www.example.com/long', sizeof=400, decode=False)")
        assert await client.ask("[(type(p), len(p)) for p in r.content]") == (
            "[(<class 'bytes'>, 400), (<class 'bytes'>, 400), (<class 'bytes'>, 200)]\n"
        )
        await client.ask("r = request.get('http://www.example.com/long')")
        assert await client.ask("''.join(r.text) == '0123456789' * 100") == "True\n"

    with_module(story)


def test_text_when_piece_ends_inside_a_character_is_whole():
    async def story(client, server, board, network):
        await client.ask("r = request.get('http://www.example.com/euro', sizeof=64)")
        assert await client.ask("''.join(r.text) == '\\u20ac' * 100") == "True\n"

    with_module(story)


def test_bodies_when_posted_arrive_with_length_and_type():
    async def story(client, server, board, network):
        await client.ask("r = request.post('http://www.example.com/p', data='a=1', headers={'X-A': 'b'})")
        assert await client.ask("r.json()['body']") == "'a=1'\n"
        await client.ask("r = request.put('http://www.example.com/p', json={'k': [1, 2]})")
        assert await client.ask("r.json()['method']") == "'PUT'\n"
        _, _, headers, body, _ = server.seen[0]
        assert headers["X-A"] == "b"
        assert headers["Content-Length"] == "3"
        _, _, headers, body, _ = server.seen[1]
        assert headers["Content-Type"] == "application/json"
        assert json.loads(body) == {"k": [1, 2]}

    with_module(story)


def test_upload_when_files_are_given_is_a_multipart_form_with_the_file():
    async def story(client, server, board, network):
        await client.raw("f = open('/usr/up.bin', 'wb')\nf.write(bytes(range(256)))\nf.close()")
        await client.ask(
            "r = request.post('http://www.example.com/u', files={'filepath': '/usr/up.bin', 'filename': 'u'})"
        )
        assert await client.ask("r.status_code") == "200\n"
        _, _, headers, body, _ = server.seen[0]
        kind, _, boundary = headers["Content-Type"].partition("; boundary=")
        assert kind == "multipart/form-data"
        assert body.startswith(b"--" + boundary.encode() + b"\r\n")
        assert bytes(range(256)) in body

    with_module(story)


def test_other_methods_reach_the_server():
    async def story(client, server, board, network):
        for verb in ("head", "patch", "delete"):
            assert await client.ask(f"request.{verb}('http://www.example.com/v').status_code") == "200\n"
        assert [row[0] for row in server.seen] == ["HEAD", "PATCH", "DELETE"]

    with_module(story)


def test_url_without_scheme_gets_http_and_a_wrong_one_is_refused():
    async def story(client, server, board, network):
        assert await client.ask("request.get('www.example.com/x').status_code") == "200\n"
        said = await client.ask("request.get('httpx://www.example.com/x')")
        assert said.endswith("ValueError: Unsupported protocol: httpx:\n")
        port = server.server_address[1]
        assert await client.ask(f"request.get('127.0.0.1:{port}/y').status_code") == "200\n"
        assert "ValueError: MissingSchema" in await client.ask("request.get('127.0.0.1/y')")

    with_module(story)


def test_failures_raise_what_the_device_raises():
    async def story(client, server, board, network):
        said = await client.ask("request.get('http://nobody.example.com/')")
        assert said.endswith("IndexError: Domain name resolution error, please check network connection\n")
        said = await client.ask("request.get('http://127.0.0.1:1/')")
        assert "RuntimeError: HTTPConnectionPool(host='http://127.0.0.1:1/', port=1)" in said
        said = await client.ask("request.get('http://www.example.com/away')")
        assert said.endswith("NotImplementedError: Redirects not yet supported\n")
        network.has_data = lambda: False
        assert "IndexError" in await client.ask("request.get('http://www.example.com/')")

    with_module(story)


def test_response_closed_early_lets_the_connection_go():
    async def story(client, server, board, network):
        await client.ask("r = request.get('http://www.example.com/long')")
        await client.ask("r.close()")
        await eventually(lambda: not network.open_connections)
        assert await client.ask("list(r.content)") == "[]\n"

    with_module(story)
