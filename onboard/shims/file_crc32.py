"""``file_crc32``: the checksum of a file in the crc32 convention.

Modelled: ``calc``; it only computes, whatever the pages say.

Source: device-api 6.1, 6.5.
"""

import utils as _utils

_ORDER = ("calc",)


def calc(path):
    """Hex text of the CRC; None for an empty or missing file."""
    crc, check, is_empty = 0xFFFFFFFF, _utils.crc32(), True
    try:
        with open(path, "rb") as file:
            while True:
                data = file.read(4096)
                if not data:
                    break
                is_empty = False
                crc = check.update(crc, data)
    except OSError:
        return None
    return None if is_empty else hex(crc)
