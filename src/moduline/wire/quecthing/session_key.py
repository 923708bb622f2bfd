"""Payload encryption of QuecThing (flag 0001) and the AES both passwords and payloads use.

::

    key  = session key, 16 bytes (id 6 of command 0x00B4, sent in clear at each connection)
    iv   = first 16 bytes of SHA-256(key)
    body = AES-128-CBC, PKCS#7, around the whole frame

The first reports after a connect may still be in clear, so a payload is first read as a frame and decrypted only if it
is none.

Source: ota-semantics 11.1.
"""

from __future__ import annotations

import hashlib
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.padding import PKCS7

from moduline.errors import BadFormat, BadOption, Text
from moduline.wire.quecthing.frame import FORMAT, Frame, decode

KEY_BYTES: Final = 16
_BLOCK_BYTES: Final = 16


def encrypt(secret: bytes, plain: bytes) -> bytes:
    """``plain`` as AES-128-CBC with the first 16 bytes of ``secret`` as key and those of its SHA-256 as start.

    Args:
        secret: session key or product secret, at least 16 bytes.
        plain: any bytes.

    Raises:
        BadOption: the secret is too short.
    """
    padder = PKCS7(_BLOCK_BYTES * 8).padder()
    padded = padder.update(plain) + padder.finalize()
    worker = _cipher(secret).encryptor()
    return worker.update(padded) + worker.finalize()


def decrypt(secret: bytes, sealed: bytes) -> bytes:
    """What `encrypt` was given.

    Raises:
        BadFormat: not whole blocks, or another key.
        BadOption: the secret is too short.
    """
    if not sealed or len(sealed) % _BLOCK_BYTES:
        raise _bad(len(sealed), "not whole blocks", "不是完整的分组")
    worker = _cipher(secret).decryptor()
    padded = worker.update(sealed) + worker.finalize()
    unpadder = PKCS7(_BLOCK_BYTES * 8).unpadder()
    try:
        return unpadder.update(padded) + unpadder.finalize()
    except ValueError as error:
        raise _bad(0, "does not decrypt", "无法解密") from error


def open_frame(payload: bytes, session_key: bytes | None) -> Frame:
    """The frame in an MQTT payload: in clear, or else under the session key.

    Raises:
        BadFormat: neither.
    """
    try:
        return decode(payload)
    except BadFormat:
        if session_key is None:
            raise
    return decode(decrypt(session_key, payload))


def _cipher(secret: bytes) -> Cipher[CBC]:
    if len(secret) < KEY_BYTES:
        raise BadOption(name="secret", reason=Text("at least 16 bytes", "至少 16 字节"))
    return Cipher(AES(secret[:KEY_BYTES]), CBC(hashlib.sha256(secret).digest()[:_BLOCK_BYTES]))


def _bad(offset: int, en: str, zh: str) -> BadFormat:
    return BadFormat(format=FORMAT, reason=Text(en, zh), offset=offset)
