"""The command loop: runs what the supervisor sends, reports how it ended.

Frames in: kind (1 byte), length (4 bytes little-endian), text. Kinds: ``S`` one statement typed at the prompt, ``X``
and ``P`` a block (raw and paste mode), ``M`` main.py, ``C`` names that complete a text, ``Z`` write and close all
files. Frames out have the same form: ``S`` started, ``E`` ended with a status byte and the error text, ``C``
completions, ``Z`` all closed, ``R`` a stage of the boot.

After ``S`` exactly one ``E`` follows on every path, whatever strikes when. The error text travels inside ``E``, not on
the output: a raw REPL must put it behind its own mark.
"""

from boot import channel, files, language, native
from boot.traces import format_exception

OK, RAISED, EXITED, INTERRUPTED, ABSENT = 0, 1, 2, 3, 4

MAIN = "/usr/main.py"
PROMPT = "<stdin>"


class Loop:
    """Owns the command socket."""

    def __init__(self, fd, g):
        self._file = native.open_file(fd, "r+b")
        self._globals = g

    def run(self):
        """Serve commands until the supervisor closes the socket."""
        while True:
            self._let_in()
            head = self._read(5)
            source = self._read(int.from_bytes(head[1:], "little"))
            kind = head[:1]
            if kind == b"C":
                self.tell(b"C", native.json.dumps(self._complete(source.decode())).encode())
                continue
            if kind == b"Z":
                files.close_all()
                self.tell(b"Z", b"")
                continue
            self.tell(b"S", b"")
            outcome = None
            while outcome is None:
                try:
                    outcome = self._outcome(kind, source)
                except KeyboardInterrupt as fault:
                    outcome = self._describe(fault)
            while True:
                try:
                    channel.shelter.is_late = False
                    self.tell(b"E", outcome)
                    break
                except KeyboardInterrupt:
                    outcome = bytes([INTERRUPTED]) + outcome[1:]

    def _let_in(self):
        """Callbacks that an interrupt kept waiting run now: the next command may be far away."""
        try:
            channel.shelter.leave()
        except KeyboardInterrupt:
            return

    def tell(self, kind, body):
        """Send one frame."""
        frame = kind + len(body).to_bytes(4, "little") + body
        state = [0]
        while True:
            try:
                while state[0] < len(frame):
                    state[0] += self._file.write(frame[state[0] :])
                return
            except KeyboardInterrupt:
                channel.shelter.is_late = True

    def _read(self, size):
        state = [b""]
        while True:
            try:
                while len(state[0]) < size:
                    state[0] += self._file.read(size - len(state[0]))
                return state[0]
            except KeyboardInterrupt:
                pass  # nothing runs: an interrupt at the prompt has no meaning here

    def _outcome(self, kind, source):
        """Status byte and error text of one command."""
        fault = None
        while True:
            try:
                if fault is None:
                    self._execute(kind, source)
                    return bytes([OK])
                return self._describe(fault)
            except NoMain:
                return bytes([ABSENT])
            except BaseException as raised:
                fault = raised

    def _execute(self, kind, source):
        channel.shelter.leave()
        name = PROMPT
        if kind == b"M":
            try:
                source = read_source(MAIN)
            except OSError:
                raise NoMain
            name = MAIN
        execute(source, name, "single" if kind == b"S" else "exec", self._globals)

    def _describe(self, fault):
        if isinstance(fault, SystemExit):
            return bytes([EXITED])
        status = INTERRUPTED if isinstance(fault, KeyboardInterrupt) else RAISED
        return bytes([status]) + format_exception(fault).encode()

    def _complete(self, text):
        """Names that continue ``text``, a dotted name; sorted, whole last components."""
        parts = text.split(".")
        if len(parts) == 1:
            names = list(self._globals) + dir(native.builtins)
        else:
            try:
                value = self._globals[parts[0]]
                for part in parts[1:-1]:
                    value = getattr(value, part)
                names = dir(value)
            except (KeyError, AttributeError):
                names = []
        last = parts[-1]
        return sorted(set(n for n in names if n.startswith(last) and (last or not n.startswith("_"))))


class NoMain(Exception):
    """There is no main.py."""


def read_source(path):
    """Text of a script file."""
    with native.builtins.open(path) as file:
        return file.read()


def execute(source, name, mode, g):
    """Compile and run a text in the global name space ``g``; files are looked at first, see ``language``."""
    if name != PROMPT:
        language.admit(name, source.encode())
    exec(compile(source, name, mode), g)
