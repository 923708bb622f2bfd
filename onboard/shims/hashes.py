"""``uhashlib``: digests, with the hex form.

Modelled: ``sha256``, ``sha1`` and ``md5`` with ``update``, ``digest`` and ``hexdigest``.

Source: device-api 10.7.
"""

from boot import native as _native

_ORDER = ("sha256", "sha1", "md5")


class _Digest:
    """One running digest."""

    def __init__(self, native_digest, data):
        self._native = native_digest()
        if data is not None:
            self._native.update(data)

    def update(self, data):
        self._native.update(data)

    def digest(self):
        return self._native.digest()

    def hexdigest(self):
        return "".join("%02x" % byte for byte in self._native.digest())


def sha256(data=None):
    return _Digest(_native.hashlib.sha256, data)


def sha1(data=None):
    return _Digest(_native.hashlib.sha1, data)


def md5(data=None):
    return _Digest(_native.hashlib.md5, data)
