"""How a package comes into the firmware: piece by piece, or by an address it fetches itself.

Source: device-api 7.
"""

import ubinascii
import uhashlib

from .fetch import size_of

_PIECE = 1024


def takes_bytes():
    """Whether the firmware takes a package piece by piece."""
    import fota

    return hasattr(fota, "write")


def fetch_by_firmware(urls, hear):
    """Have it download and install; ``hear`` gets its statuses, [-1, 0] when it refuses at once.

    With two addresses (both stages of a package for the mini system) the firmware says nothing until it is over.
    """
    import fota

    if len(urls) == 1:
        refused = fota().httpDownload(url1=urls[0], callback=hear)
    else:
        refused = fota().httpDownload(url1=urls[0], url2=urls[1])
    if refused:
        hear([-1, 0])


def flash(paths):
    """Hand files to the firmware, one behind the other; False when they are refused."""
    import fota

    unit, size = fota(), sum([size_of(path) for path in paths])
    try:
        for path in paths:
            with open(path, "rb") as file:
                while True:
                    piece = file.read(_PIECE)
                    if not piece:
                        break
                    if unit.write(piece, size):
                        return False
        return not unit.flush() and not unit.verify()
    except (OSError, AttributeError):  # no flash, or a firmware without these methods
        return False


class Digests:
    """MD5, and SHA-256 where the platform told one, of a file that may come in pieces."""

    def __init__(self, md5, sha256):
        self._wanted = [(uhashlib.md5(), md5)]
        if sha256:
            self._wanted.append((uhashlib.sha256(), sha256))

    def add(self, path):
        with open(path, "rb") as file:
            while True:
                piece = file.read(_PIECE)
                if not piece:
                    return
                for running, _ in self._wanted:
                    running.update(piece)

    def are_right(self):
        """Compared as text, as the vendor's SDK does it: capitals are wrong. Asked once, at the end."""
        return not [1 for running, said in self._wanted if ubinascii.hexlify(running.digest()).decode() != said]
