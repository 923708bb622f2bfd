"""``SecureData``: sixteen small records that a download of firmware leaves alone.

Modelled: ``Store`` and ``Read`` with their sizes and return values. There is no deletion on the module either.

Source: the public page of ``SecureData``: indices 1-8 hold 52 bytes, 9-12 100, 13-14 500, 15-16 1000; the shorter of
data and length is stored; -1 for wrong parameters, -2 when nothing was stored.
"""

from boot.state import life as _life

_ORDER = ("Store", "Read")

_WRONG = -1
_size = len


def Store(index, databuf, len):
    data = bytes(databuf, "utf-8") if isinstance(databuf, str) else bytes(memoryview(databuf))
    if not isinstance(index, (int, bool)) or not isinstance(len, (int, bool)) or len <= 0:
        return _WRONG
    return _life.calls.ask_bytes("secure_store", data[:len], index=int(index))[0]


def Read(index, databuf, len):
    room = memoryview(databuf)
    if not isinstance(index, (int, bool)) or not isinstance(len, (int, bool)) or len <= 0:
        return _WRONG
    code, data = _life.calls.ask_bytes("secure_read", b"", index=int(index))
    if code:
        return code
    size = min(_size(data), _size(room), len)
    room[:size] = data[:size]
    return size
