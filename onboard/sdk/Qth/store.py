"""What must outlive a power cut, in two files that are written in turn: one of them is always whole.

Each file is one line of JSON, its turn included, and a line with the SHA-256 of the first. The file that is whole and
has the higher turn counts. ``write`` gives the older one a new content, so a cut leaves the newer one as it was.

Source: ota-semantics 12 (what a device must know after a restart).
"""

import ubinascii
import ujson

from . import cipher

_MAX = 4096


class Store:
    """One record, a dict; nothing is written when it has not changed."""

    def __init__(self, folder="/usr"):
        self._paths = (folder + "/qth_a.json", folder + "/qth_b.json")
        self._turn = 0
        self._text = ""
        self.record = {}
        for path in self._paths:
            found = _read(path)
            if found is not None and found[0] > self._turn:
                self._turn, self.record = found
        self._text = ujson.dumps(self.record)

    def write(self):
        """Keep the record. A flash that does not take it is said and changes nothing else: all goes on in memory."""
        text = ujson.dumps(self.record)
        if text == self._text:
            return
        turn = self._turn + 1
        line = ujson.dumps([turn, self.record]).encode()
        try:
            with open(self._paths[turn % 2], "wb") as file:
                file.write(line + b"\n" + ubinascii.hexlify(cipher.sha256(line)) + b"\n")
        except OSError as fault:
            print("Qth:", self._paths[turn % 2], fault)
            return
        self._turn, self._text = turn, text


def _read(path):
    """(turn, record) of a whole file, else None."""
    try:
        with open(path, "rb") as file:
            data = file.read(_MAX)
        line, _, digest = data.partition(b"\n")
        if digest.strip() != ubinascii.hexlify(cipher.sha256(line)):
            return None
        turn, record = ujson.loads(line.decode())
    except (OSError, ValueError):
        return None
    return (turn, record) if isinstance(turn, int) and isinstance(record, dict) else None
