"""Ed25519 signatures of patches: made with a private key, checked against the public key a module trusts.

Source: delta.md 4 (signature slot); RFC 8032.
"""

from __future__ import annotations

import hashlib

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from moduline.errors import PatchUntrusted
from moduline.formats.patch import KEY_ID_BYTES, Patch, signed, signed_bytes


def sign(patch: Patch, private_key: bytes) -> Patch:
    """The patch with its signature slot filled.

    Args:
        patch: what to sign.
        private_key: 32 bytes, the seed of RFC 8032.
    """
    key = Ed25519PrivateKey.from_private_bytes(private_key)
    public = key.public_key().public_bytes_raw()
    return signed(patch, key_id(public), key.sign(signed_bytes(patch)))


def check_signature(patch: Patch, public_key: bytes) -> None:
    """Stop unless the patch is signed with the key.

    Args:
        patch: what to check.
        public_key: 32 bytes.

    Raises:
        PatchUntrusted: it is not signed, or by another key, or was changed afterwards.
    """
    wanted = key_id(public_key)
    if not patch.is_signed or patch.key_id != wanted:
        raise PatchUntrusted(key=wanted.hex())
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(patch.signature, signed_bytes(patch))
    except InvalidSignature as wrong:
        raise PatchUntrusted(key=wanted.hex()) from wrong


def key_id(public_key: bytes) -> bytes:
    """Short name of a public key: the first 8 bytes of its SHA-256."""
    return hashlib.sha256(public_key).digest()[:KEY_ID_BYTES]
