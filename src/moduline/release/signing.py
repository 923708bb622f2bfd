"""Keys and signatures of what is released: patches carry theirs inside, any other file has one beside it.

Keys are Ed25519 in the files everybody's tools read: PKCS #8 PEM for the private half, SPKI PEM for the public one. A
signature beside a file (``FILE.sig``) is the 64 bytes of RFC 8032 over the whole file and nothing else, so that
``openssl pkeyutl -verify -rawin`` can check it too.

Source: brief, decision 14; RFC 8032, RFC 8410; docs/spec/patch.md (the slot in a patch).
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from moduline.delta import check_signature, sign
from moduline.delta.signature import key_id
from moduline.errors import BadOption, FileUntrusted, StorageFailed, Text
from moduline.formats import patch

KEY_BYTES: Final = 32
SIGNATURE_BYTES: Final = 64
SIGNATURE_ENDING: Final = ".sig"
PUBLIC_ENDING: Final = ".pub"


@dataclass(frozen=True, slots=True, repr=False)
class Key:
    """A key: the public half, and the private one where it is known.

    Attributes:
        public: 32 bytes.
        private: 32 bytes, the seed of RFC 8032; None for a public key. Never shown.
    """

    public: bytes
    private: bytes | None = None

    @property
    def id(self) -> str:
        """Short name: 16 hex digits, as in a patch's ``key_id``."""
        return key_id(self.public).hex()

    def __repr__(self) -> str:
        return f"Key({self.id})"


def new_key() -> Key:
    """A key that nobody else has."""
    private = Ed25519PrivateKey.generate()
    return Key(private.public_key().public_bytes_raw(), private.private_bytes_raw())


def write_key(path: Path, key: Key) -> Path:
    """Write both halves, the private one readable by its owner only; gives the path of the public one.

    Args:
        path: of the private half; the public one gets ``.pub`` behind it.
        key: with its private half.

    Raises:
        BadOption: one of the files is there; a key is never overwritten.
        StorageFailed: they cannot be written.
    """
    assert key.private is not None
    public = path.with_name(path.name + PUBLIC_ENDING)
    encoding = serialization.Encoding.PEM
    whole = Ed25519PrivateKey.from_private_bytes(key.private).private_bytes(
        encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    half = Ed25519PublicKey.from_public_bytes(key.public).public_bytes(
        encoding, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    for one in (path, public):
        if one.exists() or one.is_symlink():
            why = Text("{file} is there, and keys are not overwritten", "{file} 已存在，不会覆盖密钥")
            raise BadOption(name="-o", reason=why, file=str(one))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_once(path, whole, 0o600)
        _write_once(public, half, 0o644)
    except OSError as wrong:
        raise StorageFailed(path=str(path), reason=wrong.strerror or str(wrong)) from wrong
    return public


def read_key(data: bytes, name: str) -> Key:
    """A key from PEM of either half, 64 hex digits or 32 bytes (both public).

    Args:
        data: of the file, or typed.
        name: of the option or file, for messages.

    Raises:
        BadOption: it is none of these.
    """
    if len(data) == KEY_BYTES:
        return Key(data)
    try:
        if b"-----BEGIN" in data:
            return _from_pem(data)
        public = bytes.fromhex(data.decode("ascii").strip())
        if len(public) == KEY_BYTES:
            return Key(public)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        pass  # told below, in our words
    why = Text(
        "it is no Ed25519 key: PEM, 64 hex digits or 32 bytes", "不是 Ed25519 密钥：PEM、64 位十六进制或 32 字节"
    )
    raise BadOption(name=name, reason=why)


def sign_patch(data: bytes, key: Key) -> bytes:
    """The same patch with its slot filled; who signed before is forgotten.

    Args:
        data: a container of ``formats.patch``.
        key: with its private half.

    Raises:
        FormatError: it is damaged.
    """
    assert key.private is not None
    return patch.write(sign(patch.read(data), key.private))


def signature_of(data: bytes, key: Key) -> bytes:
    """What goes into ``FILE.sig``: 64 bytes over the whole file."""
    assert key.private is not None
    return Ed25519PrivateKey.from_private_bytes(key.private).sign(data)


def check_file(data: bytes, signature: bytes | None, key: Key, name: str) -> None:
    """Stop unless the file is signed with the key.

    Args:
        data: the file.
        signature: of ``FILE.sig``; None for a patch, which has it inside.
        key: whom one trusts.
        name: of the file, for messages.

    Raises:
        PatchUntrusted: a patch that is not signed, or by another.
        FileUntrusted: the signature is of another key or another content.
        FormatError: a damaged patch.
    """
    if signature is None:
        check_signature(patch.read(data), key.public)
        return
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(signature, data)
    except InvalidSignature as wrong:
        raise FileUntrusted(file=name, key=key.id) from wrong


def _from_pem(data: bytes) -> Key:
    if b"PRIVATE KEY" in data:
        private = serialization.load_pem_private_key(data, None)
        if isinstance(private, Ed25519PrivateKey):
            return Key(private.public_key().public_bytes_raw(), private.private_bytes_raw())
    else:
        public = serialization.load_pem_public_key(data)
        if isinstance(public, Ed25519PublicKey):
            return Key(public.public_bytes_raw())
    raise ValueError("another kind of key")


def _write_once(path: Path, data: bytes, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
