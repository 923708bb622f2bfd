"""``uzlib``: unpacking of DEFLATE data.

Modelled: ``decompress`` and ``DecompIO`` with the formats of the window argument: negative for raw data, 16 and more
for gzip, otherwise zlib. Not modelled: packing, which the module has not either.

Source: MicroPython 1.13, ``moduzlib.c``; the vendor's page of ``uzlib``.
"""

import deflate as _deflate

from boot import native as _native

_ORDER = ("decompress", "DecompIO")


def decompress(data, wbits=0, bufsize=0):
    try:
        return DecompIO(_native.io.BytesIO(data), wbits).read()
    except (OSError, EOFError):
        raise ValueError(-3)


def DecompIO(stream, wbits=0):
    if wbits < 0:
        return _deflate.DeflateIO(stream, _deflate.RAW, -wbits)
    if wbits >= 16:
        return _deflate.DeflateIO(stream, _deflate.GZIP, wbits - 16)
    return _deflate.DeflateIO(stream, _deflate.ZLIB, wbits)
