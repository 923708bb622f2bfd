"""Requests to the supervisor: one socket per kind, answered in order.

A KeyboardInterrupt may strike between any two bytecodes. A request that has begun is always finished first: the
interrupt is caught, remembered in ``late`` and raised by the caller's ``leave`` when nothing is half done. Work below
this line therefore never loses its place, neither here nor inside the file system that called us.
"""

from boot import native


class Interrupts:
    """An interrupt that came while work could not be abandoned."""

    def __init__(self):
        self.is_late = False

    def deliver(self):
        """Raise the remembered interrupt, if there is one."""
        if self.is_late:
            self.is_late = False
            raise KeyboardInterrupt


late = Interrupts()


class Channel:
    """One socket to the supervisor; ``exchange`` is one request and its answer."""

    def __init__(self, fd):
        self.file = native.open_file(fd, "r+b")
        self.lock = native.thread.allocate_lock()

    def exchange(self, parts):
        """Send ``parts`` (bytes-like, in order) and give the answer's body.

        An answer is 4 bytes little-endian length and the body.
        """
        state = [0, None]
        while True:
            try:
                self._proceed(parts, state)
                return state[1]
            except KeyboardInterrupt:
                late.is_late = True

    def _proceed(self, parts, state):
        while state[0] < len(parts):
            part = parts[state[0]]
            done = self.file.write(part)
            if done == len(part):
                state[0] += 1
            else:
                parts[state[0]] = part[done or 0 :]
        if state[0] == len(parts):
            head = self.file.read(4)
            if not head:
                raise SystemExit
            state[1] = int.from_bytes(head, "little")
            state[0] += 1
        if state[0] == len(parts) + 1:
            state[1] = self.file.read(state[1]) if state[1] else b""
            state[0] += 1

    def locked(self, parts):
        """``exchange`` for callers on several threads."""
        self.lock.acquire()
        try:
            return self.exchange(parts)
        finally:
            self.lock.release()


class Calls(Channel):
    """Everything a script asks of the module but flash: a JSON question, a JSON answer, bytes beside both."""

    def ask(self, op, **facts):
        """The answer's JSON value; see ``services`` in the supervisor for the questions."""
        return self.ask_bytes(op, b"", **facts)[0]

    def ask_bytes(self, op, data, **facts):
        """(JSON value, bytes) for a question with bytes beside it."""
        facts["op"] = op
        head = native.json.dumps(facts).encode()
        size = len(head).to_bytes(4, "little") + len(data).to_bytes(4, "little")
        body = self.locked([size + head + data])
        if native.in_main():
            late.deliver()
        split = int.from_bytes(body[:4], "little")
        return native.json.loads(body[4 : 4 + split]), body[4 + split :]
