"""Requests to the supervisor: one socket per kind, answered in order; and what must not be disturbed meanwhile.

A KeyboardInterrupt may strike, and a callback may run, at any jump and in any system call that waits, but nowhere else.
Work that must be finished first is run by a ``Guard``: inside, an interrupt is caught and remembered in ``shelter``,
callbacks are put off, and both come when the outermost guard is left. So that nothing is sent twice or lost, what a
system call did is stored before the next jump, in one statement: that is why the loops below look as they do.

An answer is 4 bytes little-endian length and the body, at most 16 KiB: the supervisor sends it in one piece, so reading
it never waits in the middle. A closed socket is not looked for: the control thread ends the process then.
"""

from boot import native
from boot.state import life


class Shelter:
    """What waits until the main thread can be disturbed again."""

    def __init__(self):
        self.depth = 0
        self.is_late = False  # an interrupt came
        self.has_events = False  # callbacks wait
        self.drain = None

    def leave(self):
        """Let in what waited, when no guard is left."""
        if self.depth == 0:
            if self.has_events:
                self.has_events = False
                self.drain(0)
            if self.is_late:
                self.is_late = False
                raise KeyboardInterrupt


shelter = Shelter()


class Guard:
    """One thread at a time inside, and no disturbance for the main one."""

    def __init__(self):
        self._lock = native.thread.allocate_lock()
        self._is_main_inside = False

    def run(self, function, *arguments):
        """``function(*arguments)`` inside the guard; the main thread may enter again from inside."""
        if not native.in_main():
            return self._run_worker(function, arguments)
        if self._is_main_inside:
            return function(*arguments)
        return self._run_main(function, arguments)

    def _run_worker(self, function, arguments):
        self._lock.acquire()
        try:
            return function(*arguments)
        finally:
            self._lock.release()

    def _run_main(self, function, arguments):
        shelter.depth += 1
        self._lock.acquire()
        self._is_main_inside = True
        try:
            return function(*arguments)
        finally:
            self._is_main_inside = False
            self._lock.release()
            shelter.depth -= 1
            shelter.leave()


class Request:
    """How far one request has come."""

    def __init__(self, parts):
        self.parts = parts
        self.part = 0
        self.sent = 0
        self.head = b""
        self.body = b""


class Channel:
    """One socket to the supervisor."""

    def __init__(self, fd):
        self.file = native.open_file(fd, "r+b")

    def exchange(self, parts):
        """Inside a guard: send ``parts`` (bytes-like, in order) and give the answer's body."""
        request = Request(parts)
        while True:
            try:
                self._send(request)
                self.receive(request)
                return request.body
            except KeyboardInterrupt:
                shelter.is_late = True

    def _send(self, request):
        while request.part < len(request.parts):
            rest = memoryview(request.parts[request.part])[request.sent :]
            request.sent += self.file.write(rest)
            if request.sent >= len(request.parts[request.part]):
                request.sent = 0
                request.part += 1

    def receive(self, request):
        """Complete the head and the body of what comes."""
        while len(request.head) < 4:
            request.head += self.file.read(4 - len(request.head))
        size = int.from_bytes(request.head, "little")
        while len(request.body) < size:
            request.body += self.file.read(size - len(request.body))


class Calls(Channel):
    """Everything a script asks of the module but flash: a JSON question, a JSON answer, bytes beside both."""

    def __init__(self, fd):
        super().__init__(fd)
        self._guard = Guard()

    def ask(self, op, **facts):
        """The answer's JSON value; see ``services`` in the supervisor for the questions."""
        return self.ask_bytes(op, b"", **facts)[0]

    def ask_bytes(self, op, data, **facts):
        """(JSON value, bytes) for a question with bytes beside it."""
        life.end_if_stopped()
        facts["op"] = op
        head = native.json.dumps(facts).encode()
        size = len(head).to_bytes(4, "little") + len(data).to_bytes(4, "little")
        body = self._guard.run(self.exchange, [size + head + data])
        split = int.from_bytes(body[:4], "little")
        return native.json.loads(body[4 : 4 + split]), body[4 + split :]
