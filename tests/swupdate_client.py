"""Debian's ``swupdate`` as a client of the DDI, and images for it; nothing of it is ours.

Where it comes from, and where the tests skip: ``debian_tool``.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import hashlib
import os

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509.oid import NameOID

import debian_tool

PACKAGES = (
    "swupdate", "libswupdate0.1", "liblua5.3-0", "libconfig9", "librsync2", "libgpiod2", "libwebsockets17",
    "liburiparser1", "libzck1", "libb2-1", "libgomp1",
)  # fmt: skip


def found():
    """Command line and environment of ``swupdate``; skips where it cannot be had."""
    return debian_tool.found("swupdate", PACKAGES)


def signer(folder):
    """A key, and the file of its certificate that the client trusts."""
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tests")])
    day = dt.timedelta(days=1)
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(7).not_valid_before(now - day).not_valid_after(now + day)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    return key, made


def image(signed_by, payload, target, version="2.0.0"):
    """A signed ``.swu`` that puts one file into a place."""
    key, certificate = signed_by
    digest = hashlib.sha256(payload).hexdigest()
    description = (
        f'software = {{ version = "{version}"; hardware-compatibility: [ "1.0" ];\n'
        f'files: ( {{ filename = "payload.bin"; path = "{target}"; sha256 = "{digest}"; }} ); }}\n'
    ).encode()
    options = [pkcs7.PKCS7Options.DetachedSignature, pkcs7.PKCS7Options.Binary, pkcs7.PKCS7Options.NoCapabilities]
    signature = (
        pkcs7.PKCS7SignatureBuilder()
        .set_data(description)
        .add_signer(certificate, key, hashes.SHA256())
        .sign(serialization.Encoding.DER, options)
    )
    members = (("sw-description", description), ("sw-description.sig", signature), ("payload.bin", payload))
    body = b"".join(member(number, name, data) for number, (name, data) in enumerate(members, 1))
    return padded(body + member(0, "TRAILER!!!", b""), 512)


def member(number, name, data):
    """A member of a cpio archive in its form with sums."""
    raw = name.encode() + b"\0"
    fields = (number, 0o100644, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(raw), sum(data) & 0xFFFFFFFF)
    head = b"070702" + b"".join(b"%08X" % field for field in fields)
    return padded(head + raw, 4) + padded(data, 4)


def padded(data, step):
    return data + bytes(-len(data) % step)


class SwUpdate:
    """The daemon, polling a server."""

    def __init__(self, folder, port, *, tenant, token, dk="dev1", version="1.0.0", confirm=None):
        self.command, self.environment = found()
        self.folder = folder
        self.log = folder / "swupdate.log"
        self.environment["TMPDIR"] = str(folder)
        (folder / "swupdate.cfg").write_text(
            f'globals : {{ loglevel = 5; public-key-file = "{folder}/cert.pem"; }};\n'
            f'suricatta : {{ tenant = "{tenant}"; id = "{dk}"; url = "http://127.0.0.1:{port}"; polldelay = 1;\n'
            "  retry = 3; retrywait = 1; };\n"
            f'identify : ( {{ name = "sw_version"; value = "{version}"; }},\n'
            '  { name = "hw_revision"; value = "1.0"; } );\n'
        )
        words = f"-g {token}" + (f" -c {confirm}" if confirm else "")
        self.words = ["-f", str(folder / "swupdate.cfg"), "-H", "default:1.0", "-m", "-M", "-u", words]
        self.process = None

    async def __aenter__(self):
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *self.command, *self.words, env=self.environment, cwd=self.folder,
                stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        return self

    async def __aexit__(self, *_):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, 15)
        try:
            await asyncio.wait_for(self.process.wait(), 20)
        except TimeoutError:
            os.killpg(self.process.pid, 9)
            await self.process.wait()

    async def until(self, holds, what):
        """Wait for something; a minute at most."""
        for _ in range(600):
            if holds():
                return
            assert self.process.returncode is None, self.said()
            await asyncio.sleep(0.1)
        raise AssertionError(f"{what}: {self.said()}")

    def said(self):
        return self.log.read_text(errors="replace")[-3000:]
