"""``utils``: checks over bytes.

Modelled: ``crc32``.

Source: device-api 6.1, 10.7.
"""

import ubinascii as _ubinascii

_ORDER = ("crc32",)


class crc32:
    """CRC-32 continued from a start value."""

    def update(self, start, data):
        return _ubinascii.crc32(data, start)
