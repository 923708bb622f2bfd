"""``queue``: messages between threads, first in, first out.

Modelled: as in the firmware's source, which takes one item more than its size before ``put`` says False. Waiting in
``get`` lets callbacks and Ctrl-C through.

Source: device-api 10.7; QuecPython/microPython ``queue.py``; the vendor's page (size 100 by default).
"""

from shims.waiting import wait_for as _wait_for

_ORDER = ("Queue",)


class Queue:
    """A queue."""

    def __init__(self, maxsize=100):
        self.maxsize = maxsize
        self._items = []

    def put(self, item=None):
        if len(self._items) > self.maxsize:
            return False
        self._items.append(item)
        return True

    def get(self):
        taken = []
        _wait_for(lambda: self._take(taken), lambda: self._items.insert(0, taken[0]))
        return taken[0]

    def _take(self, taken):
        try:
            taken.append(self._items.pop(0))
            return True
        except IndexError:
            return False

    def empty(self):
        return not self._items

    def size(self):
        return len(self._items)
