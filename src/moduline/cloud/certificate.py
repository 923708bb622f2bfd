"""The platform's certificate: read once, looked at again now and then, and replaced without a restart.

::

    files ─▶ read ─▶ tried in a context of its own ─▶ the context that all ports share
                          │ not a certificate, not its key ...
                          └─▶ at the start an error; later told, and the old one stays

All ports share one context, which new connections take their certificate from; those that are open keep theirs. TLS 1.2
is the least. Without ``ciphers`` they are Python's: forward secrecy, no SHA-1. Modules whose stack has less need a name
more, such as ``ECDHE+AESGCM:ECDHE+AES:AES128-SHA`` (TLS_RSA_WITH_AES_128_CBC_SHA), and a certificate with an RSA key.

Source: https://docs.python.org/3/library/ssl.html#ssl-security.
"""

from __future__ import annotations

import asyncio
import os
import ssl
import tempfile
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import Final

from cryptography import x509

from moduline.clock import Clock
from moduline.errors import BadOption, ModulineError, Text
from moduline.events import Notice, Reporter, silent

LOOK_S: Final = 30.0
"""How often the files are looked at."""
SOON_S: Final = 14 * 24 * 3600.0
"""A certificate that ends within this time is told of."""
TELL_S: Final = 24 * 3600.0
CERT_OPTION: Final = "--tls-cert"
KEY_OPTION: Final = "--tls-key"
CIPHERS_OPTION: Final = "--tls-ciphers"
_UNREAD: Final = Text("{path}: {said}", "{path}：{said}")
_NO_CERT: Final = Text("{path} holds no certificate in PEM", "{path} 中没有 PEM 证书")
_NO_KEY: Final = Text("{path} holds no private key in PEM", "{path} 中没有 PEM 私钥")
_LOCKED: Final = Text(
    "the key in {path} has a passphrase; nobody is there to say it", "{path} 中的私钥设有口令，无法使用"
)
_OTHER_KEY: Final = Text(
    "the key in {key} does not belong to the certificate in {cert}", "{key} 中的私钥与 {cert} 中的证书不匹配"
)
_REFUSED: Final = Text("the certificate in {path} cannot be used: {said}", "{path} 中的证书无法使用：{said}")
_CIPHERS: Final = Text("no cipher of OpenSSL is meant by '{given}'", "“{given}” 不对应任何 OpenSSL 加密套件")


@dataclass(frozen=True, slots=True)
class _Pair:
    cert: bytes
    key: bytes


class Certificate:
    """Certificate and key, and the context of all ports.

    Args:
        cert: file of the certificate and those between it and a root, PEM.
        key: file of its key, PEM without a passphrase; None: it is in the same file.
        ciphers: OpenSSL's list for TLS 1.2; "": Python's.
        clock: wall clock, for the end of the certificate.
        report: hears of ``tls.renewed``, ``tls.not-renewed`` and ``tls.ends-soon``.

    Raises:
        BadOption: the files are none, do not belong together, or the list names nothing.
    """

    def __init__(
        self, cert: Path, key: Path | None, *, clock: Clock, ciphers: str = "", report: Reporter = silent
    ) -> None:
        self._cert = cert
        self._key = key or cert
        self._clock = clock
        self._report = report
        self._told_at = float("-inf")
        self._trouble = ""
        self.context = _context(ciphers)
        self._ciphers = ciphers
        self._used = self._read()
        self.ends_at = self._use(self._used)

    def renew(self) -> bool:
        """Take what the files hold now, if it is another pair and a good one; whether it was taken."""
        try:
            found = self._read()
            if found == self._used:
                self._trouble = ""
                return False
            self.ends_at = self._use(found)
        except ModulineError as failure:
            if str(failure) != self._trouble:  # once, not at every look
                self._trouble = str(failure)
                self._report(Notice("tls.not-renewed", str(self._cert), {"reason": self._trouble}))
            return False
        self._used, self._trouble = found, ""
        self._report(Notice("tls.renewed", str(self._cert)))
        return True

    async def watch(self) -> None:
        """Renew when the files change, until cancelled; say in time that the certificate ends."""
        while True:
            now = self._clock.now_s()
            if self.ends_at - now < SOON_S and abs(now - self._told_at) >= TELL_S:
                self._told_at = now
                self._report(Notice("tls.ends-soon", str(self._cert), {"seconds": round(self.ends_at - now)}))
            await asyncio.sleep(LOOK_S)
            await asyncio.to_thread(self.renew)

    def _read(self) -> _Pair:
        return _Pair(_content(CERT_OPTION, self._cert), _content(KEY_OPTION, self._key))

    def _use(self, pair: _Pair) -> float:
        """Have a pair used, or nothing changed; when the certificate ends, UTC seconds.

        OpenSSL reads files only, and those may change between the trial and the taking: both read the same copy.
        """
        try:
            ends_at = x509.load_pem_x509_certificate(pair.cert).not_valid_after_utc.astimezone(UTC).timestamp()
        except ValueError:
            raise BadOption(name=CERT_OPTION, reason=_NO_CERT, path=str(self._cert)) from None
        with tempfile.TemporaryDirectory(prefix="moduline-tls-") as folder:
            copies = Path(folder, "cert.pem"), Path(folder, "key.pem")
            for path, content in zip(copies, (pair.cert, pair.key), strict=True):
                with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as copy:
                    copy.write(content)
            for context in (_context(self._ciphers), self.context):
                self._load(context, *copies)
        return ends_at

    def _load(self, context: ssl.SSLContext, cert: Path, key: Path) -> None:
        asked = []

        def passphrase() -> str:
            asked.append(True)
            return ""

        try:
            context.load_cert_chain(cert, key, passphrase)
        except (ssl.SSLError, ValueError) as failure:
            if asked:
                raise BadOption(name=KEY_OPTION, reason=_LOCKED, path=str(self._key)) from failure
            said = getattr(failure, "reason", "") or ""
            if said == "KEY_VALUES_MISMATCH":
                raise BadOption(
                    name=KEY_OPTION, reason=_OTHER_KEY, key=str(self._key), cert=str(self._cert)
                ) from failure
            if b"PRIVATE KEY-----" not in key.read_bytes() or said in _KEYLESS:
                raise BadOption(name=KEY_OPTION, reason=_NO_KEY, path=str(self._key)) from failure
            raise BadOption(
                name=CERT_OPTION, reason=_REFUSED, path=str(self._cert), said=said or str(failure)
            ) from failure


_KEYLESS: Final = ("NO_START_LINE", "UNSUPPORTED", "BAD_BASE64_DECODE", "BAD_END_LINE", "PEM_LIB")


def _context(ciphers: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    if ciphers:
        try:
            context.set_ciphers(ciphers)
        except ssl.SSLError:
            raise BadOption(name=CIPHERS_OPTION, reason=_CIPHERS, given=ciphers) from None
    return context


def _content(option: str, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as cause:
        raise BadOption(name=option, reason=_UNREAD, path=str(path), said=cause.strerror or str(cause)) from cause
