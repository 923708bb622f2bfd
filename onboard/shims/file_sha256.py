"""``file_sha256``: the checksum of a file in the sha256 convention.

Modelled: ``calc``; it only computes, whatever the pages say.

Source: device-api 6.1, 6.5.
"""

import uhashlib as _uhashlib

_ORDER = ("calc",)


def calc(path):
    """64 hex digits; None for an empty or missing file."""
    digest, is_empty = _uhashlib.sha256(), True
    try:
        with open(path, "rb") as file:
            while True:
                data = file.read(4096)
                if not data:
                    break
                is_empty = False
                digest.update(data)
    except OSError:
        return None
    return None if is_empty else digest.hexdigest()
