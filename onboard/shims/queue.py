"""``queue``: messages between threads, first in, first out.

Modelled: as in the firmware's source, which takes one item more than its size before ``put`` says False. Waiting in
``get`` lets callbacks and Ctrl-C through.

Source: device-api 10.7; QuecPython/microPython ``queue.py``; the vendor's page (size 100 by default).
"""

from boot.channel import Guard as _Guard
from shims.waiting import wait_for as _wait_for

_ORDER = ("Queue",)


class Queue:
    """A queue.

    Items do not move, and the last one taken is forgotten only when the next one is asked for: the interpreter's
    collector lets other threads run on while it marks, and would lose an item on its way.
    """

    def __init__(self, maxsize=100):
        self.maxsize = maxsize
        self._items = {}  # number -> item
        self._next = 0  # number of the next item to be put
        self._first = 0  # number of the next item to be taken
        self._guard = _Guard()  # callbacks use queues too: they wait until a thread is through

    def put(self, item=None):
        return self._guard.run(self._put, item)

    def _put(self, item):
        if self.size() > self.maxsize:
            return False
        self._items[self._next] = item
        self._next += 1
        return True

    def get(self):
        taken = []
        try:
            _wait_for(lambda: self._guard.run(self._take, taken), _nothing)
            return taken[0]
        except KeyboardInterrupt:
            if taken:
                self._guard.run(self._give_back, taken[0])
            raise

    def _take(self, taken):
        if self._first == self._next:
            return False
        self._items.pop(self._first - 1, None)
        taken.append(self._items[self._first])
        self._first += 1
        return True

    def _give_back(self, item):
        self._first -= 1
        self._items[self._first] = item

    def empty(self):
        return not self.size()

    def size(self):
        return self._next - self._first


def _nothing():
    """What has been taken is known from elsewhere."""
