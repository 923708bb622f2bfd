"""A Moduline that kills itself with signal 9 at a chosen moment: ``python dying.py ota serve ...``.

``DIE_AT`` says when, as JSON: ``event`` is ``sql`` (a statement is about to run in SQLite), or the name of an audit
event of Python such as ``open``, ``os.rename`` or ``os.remove``; ``has`` is a part of the statement or of the path;
``number`` counts such moments from 1. ``COUNT_IN`` names a file that gets every moment as a line, and nobody dies.
Killing from outside hits one moment in a thousand; this hits each of them.
"""

from __future__ import annotations

import json
import os
import signal
import sys

from sqlalchemy import event
from sqlalchemy.pool import Pool


class Fate:
    """Counts moments and ends the process at one of them."""

    def __init__(self, wanted, record):
        self.event = wanted["event"]
        self.part = wanted["has"]
        self.left = wanted.get("number", 0)
        self._record = record

    def moment(self, kind, what):
        if kind != self.event or self.part not in what:
            return
        if self._record:
            os.write(self._record, what.replace("\n", " ").encode() + b"\n")
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def arm(environment):
    """Watch SQLite and the files of this process."""
    counted = environment.get("COUNT_IN")
    record = os.open(counted, os.O_WRONLY | os.O_CREAT | os.O_APPEND) if counted else None
    fate = Fate(json.loads(environment["DIE_AT"]), record)

    def watch(connection, _):
        if hasattr(connection, "set_trace_callback"):
            connection.set_trace_callback(lambda text: fate.moment("sql", text))

    def heard(name, args):
        if name == fate.event:
            fate.moment(name, " ".join(os.fspath(one) for one in args[:2] if isinstance(one, str | os.PathLike)))

    event.listen(Pool, "connect", watch)
    sys.addaudithook(heard)


if __name__ == "__main__":
    arm(os.environ)
    from moduline.__main__ import main

    main()
