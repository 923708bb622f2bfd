"""``request``: HTTP/1.0 over one connection per request.

Modelled: everything of the module's own client, its exceptions included. ``content`` and ``text`` can be gone through
once; ``json`` gives None when they were. A redirect, a wrong scheme, a name without address and a refused connection
are NotImplementedError, ValueError, IndexError and RuntimeError, as there. A header's value begins with its blank and
ends before its next colon, as there.

Not modelled: the module keeps the connection and the headers of its last request in globals, so that a second request
takes them from a first one that was not read to its end; here every response has its own.

Source: device-api 12.1.
"""

import ujson as _json
import usocket as _socket

_ORDER = "Response request head get post put patch delete".split()

_PORTS = {"http:": 80, "https:": 443}
_NO_ADDRESS = "Domain name resolution error, please check network connection"


class Response:
    """What the server said; the body comes when it is asked for."""

    def __init__(self, stream, decode, sizeof):
        self.raw = stream
        self.encoding = "utf-8"
        self.decode = decode
        self.sizeof = sizeof
        self.status_code = 0
        self.reason = ""
        self.headers = {}

    def close(self):
        stream, self.raw = self.raw, None
        if stream is not None:
            stream.close()

    @property
    def content(self):
        while self.raw is not None:
            try:
                block = self.raw.read(self.sizeof)
            except OSError:
                block = b""
            if not block:
                self.close()
                return
            yield _text(self, block) if self.decode else block

    @property
    def text(self):
        for piece in self.content:
            yield str(piece)

    def json(self):
        try:
            body = "".join(piece if isinstance(piece, str) else piece.decode() for piece in self.content)
            return _json.loads(body) if body else None
        except Exception:
            raise ValueError(
                "The data for the response cannot be converted to JSON-type data,please try use response.content method"
            )


def _text(response, block):
    """Text of a block; a character cut in two is completed from the next bytes."""
    while True:
        try:
            return block.decode()
        except UnicodeError:
            more = response.raw.read(1)
            if not more:
                raise
            block += more


def _split(url):
    """(scheme, host, port, path) of an address."""
    if not url.split(".")[0].isdigit():
        if not url.startswith("http"):
            url = "http://" + url
        parts = url.split("/", 3)
        scheme, host, path = parts[0], parts[2], parts[3] if len(parts) > 3 else ""
        if scheme not in _PORTS:
            raise ValueError("Unsupported protocol: " + scheme)
        host, _, port = host.partition(":")
        return scheme, host, int(port) if port else _PORTS[scheme], path
    if ":" not in url:
        raise ValueError(
            "MissingSchema: Invalid URL '%s': No schema supplied. Perhaps you meant http://%s? " % (url, url)
        )
    host, _, path = url.partition("/")
    host, _, port = host.partition(":")
    try:
        return "http:", host, int(port), path
    except ValueError:
        raise ValueError("URL address error: " + url)


def request(
    method, url, data=None, json=None, files=None, stream=None, decode=True, sizeof=255, timeout=None, headers=None,
    ssl_params=None,
):  # fmt: skip
    scheme, host, port, path = _split(url)
    found = _socket.getaddrinfo(host, port, 0, _socket.SOCK_STREAM)
    if not found:
        raise IndexError(_NO_ADDRESS)
    line = _socket.socket(*found[0][:3])
    try:
        line.settimeout(timeout)
        line = _connected(line, found[0][-1], scheme, host, port, url, ssl_params)
        _send(line, method, host, path, data, json, files, headers)
        response = Response(line, decode, sizeof)
        _read_head(line, response, url)
        return response
    except BaseException:
        line.close()
        raise


def _connected(line, address, scheme, host, port, url, ssl_params):
    try:
        line.connect(address)
    except Exception as fault:
        raise RuntimeError(
            "HTTPConnectionPool(host='%s', port=%d): Max retries exceeded with url: / (Caused by NewConnectionError "
            "Failed to establish a new connection: %s)" % (url, port, fault)
        )
    if scheme != "https:":
        return line
    import ussl

    options = dict(ssl_params) if ssl_params else {}
    options.setdefault("server_hostname", host)
    return ussl.wrap_socket(line, **options)


def _send(line, method, host, path, data, json, files, headers):
    headers = dict(headers) if headers else {}
    body = data
    if json is not None:
        assert data is None
        body = _json.dumps(json)
        if not headers:
            headers["Content-Type"] = "application/json"
    if files:
        body = _form(files, headers)
    if isinstance(body, str):
        body = body.encode()
    head = "%s /%s HTTP/1.0\r\nHost: %s\r\n" % (method, path, host)
    for name in headers:
        head += "%s: %s\r\n" % (name, headers[name])
    if body:
        head += "Content-Length: %d\r\n" % len(body)
    line.write(head.encode() + b"\r\n")
    if body:
        line.write(body)


def _form(files, headers):
    """The body of an upload; its boundary goes into the headers."""
    import utime

    if not (files.get("filepath") and (files.get("filename") or files.get("name"))):
        raise ValueError("Missing key parameters 'filepath' and 'filename'")
    boundary = str(utime.time())
    if headers.get("Content-Type", "multipart/form-data") == "multipart/form-data":
        headers["Content-Type"] = "multipart/form-data; boundary=" + boundary
        headers["charset"] = "UTF-8"
    if files.get("name") is not None:
        about = "Content-Disposition: form-data; %s\r\n\r\n" % files["name"]
    else:
        about = (
            'Content-Disposition: form-data; name="file"; filename="%s"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n" % files["filename"]
        )
    with open(files["filepath"], "rb") as file:
        content = file.read()
    edge = "--" + boundary
    return (edge + "\r\n" + about).encode() + content + ("\r\n" + edge + "--\r\n").encode()


def _read_head(line, response, url):
    words = (line.readline() or b"").split(None, 2)
    try:
        response.status_code = int(words[1])
    except (IndexError, ValueError):
        raise ValueError("InvalidSchema: No connection adapters were found for '%s'" % url)
    response.reason = words[2].rstrip() if len(words) > 2 else ""
    while True:
        text = line.readline()
        if not text or text == b"\r\n":
            return
        parts = text.decode().split(":")
        name = parts[0]
        if len(parts) > 1:
            response.headers[name] = parts[1].replace("\n", "").replace("\r", "")
        if name == "Location" and not 200 <= response.status_code <= 299:
            raise NotImplementedError("Redirects not yet supported")


def head(url, **options):
    return request("HEAD", url, **options)


def get(url, **options):
    return request("GET", url, **options)


def post(url, **options):
    return request("POST", url, **options)


def put(url, **options):
    return request("PUT", url, **options)


def patch(url, **options):
    return request("PATCH", url, **options)


def delete(url, **options):
    return request("DELETE", url, **options)
