"""Passwords and AES-128-CBC. Where the firmware has no ``ucryptolib``, a small AES of its own takes its place.

Source: ota-semantics 11.1; FIPS 197; FIPS 180-4.
"""

import ubinascii
import uhashlib

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_CBC = 2


def sha256(data):
    """The digest, as bytes."""
    running = uhashlib.sha256()
    running.update(data)
    return running.digest()


def base64(data):
    """As text without a line end."""
    return ubinascii.b2a_base64(data).decode().strip()


def make_random():
    """Sixteen letters and digits."""
    try:
        from uos import urandom

        noise = urandom(16)
    except ImportError:
        import urandom as chance

        noise = bytes([chance.getrandbits(8) for _ in range(16)])
    return "".join([_LETTERS[byte % 62] for byte in noise])


def password_to_authenticate(pk, ps, dk, random, flag="0000"):
    """Form 0: the device has no secret yet."""
    sign = base64(sha256(("%s;%s;%s" % (dk, ps, random)).encode()))
    text = ("%s;%s;%s" % (dk, random, sign)).encode()
    secret = ps.encode()
    return "0;%s;%s;%s" % (flag, pk, base64(encrypt(secret[:16], sha256(secret)[:16], text)))


def password_to_connect(ps, ds, random, flag="0000"):
    """Form 1: it has one."""
    return "1;%s;%s;%s" % (flag, random, base64(sha256(("%s;%s;%s" % (ds, ps, random)).encode())))


class Session:
    """Both directions of a connection under one key."""

    def __init__(self, key):
        self._key = key
        self._iv = sha256(key)[:16]

    def close(self, data):
        return encrypt(self._key, self._iv, data)

    def open(self, data):
        """ValueError for what was not made with this key."""
        return decrypt(self._key, self._iv, data)


def encrypt(key, iv, data):
    """With PKCS#7 padding."""
    pad = 16 - len(data) % 16
    return _engine(key, iv).encrypt(bytes(data) + bytes([pad]) * pad)


def decrypt(key, iv, data):
    """Without the padding; ValueError when there is none."""
    if not data or len(data) % 16:
        raise ValueError("blocks")
    plain = _engine(key, iv).decrypt(bytes(data))
    pad = plain[-1]
    if not 1 <= pad <= 16 or plain[-pad:] != bytes([pad]) * pad:
        raise ValueError("padding")
    return plain[:-pad]


def _engine(key, iv):
    if len(key) != 16:
        raise ValueError("key of %d bytes" % len(key))
    try:
        from ucryptolib import aes
    except ImportError:
        from .aes import Cbc

        return Cbc(key, iv)
    return aes(key, _CBC, iv)
