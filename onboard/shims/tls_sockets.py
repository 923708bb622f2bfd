"""``ussl``: TLS over sockets of ``usocket``, by the interpreter's own library.

Modelled: ``wrap_socket(sock, server_hostname=, cert=, key=, server_side=)``; certificates and keys are texts (PEM) or
bytes (DER). What it gives has all methods of a socket. As on the module nobody is verified until a certificate to
verify with is given: ``ca`` (or ``ca_certs``), or ``cert`` without ``key``; then the name must fit too. ``SSLContext``
is there for ``uasyncio``.

Not modelled: the module's own clock in checks of validity (this computer's is used), session resumption, ciphers.

Source: device-api 12.1; micropython-runtime 9.
"""

import usocket as _sockets

from boot import channel as _channel
from boot import native as _native
from boot.state import life as _life

_ORDER = (
    "wrap_socket SSLContext SSLSocket CERT_NONE CERT_OPTIONAL CERT_REQUIRED PROTOCOL_TLS_CLIENT PROTOCOL_TLS_SERVER"
).split()

_tls = _native.import_module("tls")
_a2b = _native.import_module("binascii").a2b_base64

CERT_NONE = _tls.CERT_NONE
CERT_OPTIONAL = _tls.CERT_OPTIONAL
CERT_REQUIRED = _tls.CERT_REQUIRED
PROTOCOL_TLS_CLIENT = _tls.PROTOCOL_TLS_CLIENT
PROTOCOL_TLS_SERVER = _tls.PROTOCOL_TLS_SERVER

_EBADF, _EINVAL, _ETIMEDOUT = 9, 22, 110
_POLLIN, _POLLHUP = 1, 16
_VERIFY_FAILED = -0x2700  # MBEDTLS_ERR_X509_CERT_VERIFY_FAILED
_IOCTL_FILENO = 10


class SSLSocket(_sockets.socket):
    """A socket whose bytes are encrypted; made by ``wrap_socket``."""

    def __init__(self, plain, native):
        super().__init__()
        self._plain = plain
        self._native = native
        self._guard = _channel.Guard()  # the library's state is for one thread at a time
        self._ahead = b""  # decrypted by a question whether there is something
        self._is_at_end = False
        self._file, self._fd, self._line = plain._file, plain._fd, plain._line
        self._timeout_ms = plain._timeout_ms

    def _some(self, size, deadline):
        self._open_file()
        while True:
            data = self._piece(size)
            if data is not None:
                return data
            if self._timeout_ms == 0:
                return None
            self._wait(_POLLIN, deadline)

    def _piece(self, size):
        if self._ahead:
            data, self._ahead = self._ahead[:size], self._ahead[size:]
            return data
        if self._is_at_end or not size:
            return b""
        data = self._guard.run(self._native.recv, size)
        self._is_at_end = data == b""  # the library says it once, then waits for more
        return data

    def readline(self, *limit):
        line, deadline = b"", self._deadline()
        while not line.endswith(b"\n"):
            byte = self._some(1, deadline)
            if byte is None:
                return line or None
            if not byte:
                break
            line += byte
        return line

    def _write_some(self, data):
        self._open_file()
        return self._guard.run(self._native.write, data)

    def _ready(self, wanted):
        found = super()._ready(wanted)
        if not wanted & _POLLIN or self._file is None:
            return found
        if not self._ahead and not self._is_at_end:
            try:
                piece = self._guard.run(self._native.recv, 1)
            except OSError:
                return found | _POLLIN | _POLLHUP
            self._is_at_end = piece == b""
            self._ahead = piece or b""
        found &= ~_POLLIN
        return found | _POLLIN if self._ahead or self._is_at_end else found

    def ioctl(self, request, argument):
        if request == _IOCTL_FILENO:
            return -_EINVAL  # the descriptor knows nothing of what is decrypted already
        return super().ioctl(request, argument)

    def close(self):
        if not self._is_closed:
            self._is_closed = True
            self._file = None
            try:
                self._guard.run(self._native.close)
            finally:
                self._plain.close()


class SSLContext:
    """What several connections have in common."""

    def __init__(self, protocol):
        self._native = _tls.SSLContext(protocol)
        self._is_server = protocol == PROTOCOL_TLS_SERVER
        self.verify_mode = CERT_NONE

    def load_cert_chain(self, certfile, keyfile):
        self._native.load_cert_chain(_der(certfile, "CERTIFICATE")[0], _der(keyfile, "KEY")[0])

    def load_verify_locations(self, cafile=None, cadata=None):
        if cafile is not None:
            with open(cafile, "rb") as file:
                cadata = file.read()
        for certificate in _der(cadata, "CERTIFICATE"):
            self._native.load_verify_locations(certificate)

    def wrap_socket(self, sock, server_side=False, do_handshake_on_connect=True, server_hostname=None):
        if not isinstance(sock, _sockets.socket):
            raise TypeError("a socket is expected")
        self._native.verify_mode = self.verify_mode
        file = sock._connected_file()
        if not do_handshake_on_connect or sock._timeout_ms is None:
            return SSLSocket(sock, self._shake(file, server_side, do_handshake_on_connect, server_hostname))
        _life.calls.ask("sock_limit", line=sock._line, ms=sock._timeout_ms or 1)
        try:
            native = self._shake(file, server_side, True, server_hostname)
        except OSError:
            if sock._ending() == _ETIMEDOUT:
                raise OSError(_ETIMEDOUT)
            raise
        _life.calls.ask("sock_limit", line=sock._line, ms=0)
        return SSLSocket(sock, native)

    def _shake(self, file, server_side, is_now, name):
        try:
            return self._native.wrap_socket(
                file, server_side=server_side, do_handshake_on_connect=is_now, server_hostname=name
            )
        except ValueError as fault:  # the interpreter's way to say what is wrong with a certificate
            raise OSError(_VERIFY_FAILED, str(fault).strip())


def wrap_socket(
    sock, server_side=False, key=None, cert=None, server_hostname=None, do_handshake=True, ca=None, keyfile=None,
    certfile=None, cert_reqs=None, ca_certs=None,
):  # fmt: skip
    context = SSLContext(PROTOCOL_TLS_SERVER if server_side else PROTOCOL_TLS_CLIENT)
    key, cert, ca = key or _content(keyfile), cert or _content(certfile), ca or _content(ca_certs)
    if key is not None:
        context.load_cert_chain(cert, key)
    elif cert is not None:
        ca = ca or cert
    if ca is not None:
        context.load_verify_locations(cadata=ca)
        context.verify_mode = CERT_REQUIRED
    if cert_reqs is not None:
        context.verify_mode = cert_reqs
    return context.wrap_socket(sock, server_side, do_handshake, server_hostname)


def _content(path):
    """Bytes of a file; a text that is a certificate is taken as it is."""
    if path is None or isinstance(path, bytes) or "-----" in path:
        return path
    with open(path, "rb") as file:
        return file.read()


def _der(data, kind):
    """The blocks of that kind in a PEM text, as DER; bytes without such marks are DER already."""
    fault = "invalid key" if kind == "KEY" else "invalid cert"
    if data is None:
        raise ValueError(fault)
    text = data.encode() if isinstance(data, str) else bytes(data)
    if b"-----BEGIN" not in text:
        return [text]
    blocks = []
    for part in text.split(b"-----BEGIN ")[1:]:
        name, _, rest = part.partition(b"-----")
        if name.endswith(kind.encode()):
            try:
                blocks.append(_a2b(rest.partition(b"-----END")[0].replace(b"\r", b"").replace(b"\n", b"")))
            except ValueError:
                raise ValueError(fault)
    if not blocks:
        raise ValueError(fault)
    return blocks
