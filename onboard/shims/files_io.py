"""``uio``: ``open`` is the module's own.

Modelled: ``open``, ``StringIO``, ``BytesIO`` and ``IOBase``.

Source: device-api 5.3.
"""

from boot import native as _native

_ORDER = ("open", "StringIO", "BytesIO", "IOBase")

open = _native.builtins.open
StringIO = _native.io.StringIO
BytesIO = _native.io.BytesIO
IOBase = _native.io.IOBase
