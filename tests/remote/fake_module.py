"""A module's REPL for tests, written from device-api section 3 and 5 alone; shares no code with the session under test.

The code it is sent is executed for real, by CPython with ``uos``, ``ubinascii``, ``uhashlib`` and ``open`` of an in-memory
file system, so a snippet is tested by what it does and the file system can be cut, filled or protected.
"""

from __future__ import annotations

import asyncio
import binascii
import builtins
import contextlib
import hashlib
import io
import json
import traceback
import types
from dataclasses import dataclass, field

BANNER = b"raw REPL; CTRL-B to exit\r\n>"
FRIENDLY = b'Quecpython v1.12 on Dec  1 2021 ; EC600U with QUECTEL \r\n Type "help()" for more information.\r\n>>> '


@dataclass
class Variant:
    paste: str = "offered"  # or "refused", "unknown" (the firmware before raw-paste), "silent"
    window_bytes: int = 128
    main: str = ""  # "honours" or "ignores" Ctrl-C; "" = no main.py runs
    deaf_s: float = 1.0
    boot_s: float = 0.0
    boot_noise: bytes = b"mount.\r\nx backup restore procedure error: '/bak/backup_restore.json not exist'\r\n"
    noise: bytes = b""  # printed by a thread before every answer
    answer_s: float = 0.0
    is_protected: bool = False
    honours_raw_interrupt: bool = True
    has_hashlib: bool = True


class MemoryFiles:
    """/usr and /bak with the module's error numbers; ``capacity`` bytes each."""

    def __init__(self, capacity: int = 1 << 20):
        self.tree: dict[str, bytes | None] = {"/usr": None, "/bak": None}
        self.capacity = capacity
        self.operations = 0
        self.cut_at: int | None = None

    def touch(self):
        self.operations += 1
        if self.cut_at is not None and self.operations > self.cut_at:
            raise PowerCutError

    def path(self, path: str) -> str:
        path = "/" + "/".join(p for p in path.split("/") if p)
        if path != "/" and path.split("/")[1] not in {"usr", "bak"}:
            raise OSError(19)
        return path

    def used(self) -> int:
        return sum(len(d or b"") for d in self.tree.values())

    def stat(self, path):
        path = self.path(path)
        if path != "/" and path not in self.tree:
            raise OSError(2)
        data = self.tree.get(path)
        return (0x4000 if data is None else 0x8000, 0, 0, 0, 0, 0, len(data or b""), 0, 0, 0)

    def ilistdir(self, path="/"):
        path = self.path(path)
        if path == "/":
            return iter([("usr", 0x4000, 0), ("bak", 0x4000, 0)])
        if path not in self.tree:
            raise OSError(2)
        if self.tree[path] is not None:
            raise OSError(20)
        return iter(
            [
                (name[len(path) + 1 :], 0x4000 if data is None else 0x8000, 0, len(data or b""))
                for name, data in self.tree.items()
                if name.startswith(path + "/") and "/" not in name[len(path) + 1 :]
            ]
        )

    def statvfs(self, path):
        blocks = self.capacity // 4096
        free = blocks - -(-self.used() // 4096)
        return (4096, 4096, blocks, free, free, 0, 0, 0, 0, 255)

    def mkdir(self, path):
        path = self.path(path)
        if path.count("/") < 2:
            raise OSError(17)
        if path.startswith("/bak"):
            return -1
        if path in self.tree:
            raise OSError(17)
        if path.rsplit("/", 1)[0] not in self.tree:
            raise OSError(2)
        self.touch()
        self.tree[path] = None
        return None

    def remove(self, path):
        path = self.path(path)
        if path.startswith("/bak"):
            return -1
        if path not in self.tree:
            raise OSError(2)
        if any(name.startswith(path + "/") for name in self.tree):
            raise OSError(39)
        self.touch()
        del self.tree[path]
        return None

    def rename(self, old, new):
        old, new = self.path(old), self.path(new)
        if old.startswith("/bak"):
            return -1
        if old not in self.tree:
            raise OSError(2)
        self.touch()
        moved = {
            new + name[len(old) :]: d for name, d in self.tree.items() if name == old or name.startswith(old + "/")
        }
        self.tree = {n: d for n, d in self.tree.items() if n != old and not n.startswith(old + "/") and n != new}
        self.tree |= moved
        return None

    def open(self, path, mode="r", **_):
        path = self.path(path)
        if path.startswith("/bak") and mode not in {"r", "rt", "rb"}:
            return -1
        if "w" in mode:
            if path.rsplit("/", 1)[0] not in self.tree:
                raise OSError(2)
            if path in self.tree and self.tree[path] is None:
                raise OSError(21)
            self.touch()
            self.tree[path] = b""
            return _Writer(self, path, "b" in mode)
        if path not in self.tree:
            raise OSError(2)
        data = self.tree[path]
        if data is None:
            raise OSError(21)
        return io.BytesIO(data) if "b" in mode else io.StringIO(data.decode())


class _Writer:
    def __init__(self, files, path, is_binary):
        self.files, self.path, self.is_binary = files, path, is_binary

    def write(self, data):
        raw = data.encode() if isinstance(data, str) else bytes(data)
        self.files.touch()
        if self.files.used() + len(raw) > self.files.capacity:
            raise OSError(28)
        self.files.tree[self.path] += raw
        return len(data)

    def close(self):
        return None


class PowerCutError(Exception):
    """The supply went away."""


@dataclass
class FakeModule:
    """Serves one end of a pair until it is cut."""

    stream: object
    variant: Variant = field(default_factory=Variant)
    files: MemoryFiles = field(default_factory=MemoryFiles)
    modules: dict[str, object] = field(default_factory=dict)
    executed: list[str] = field(default_factory=list)
    received: bytearray = field(default_factory=bytearray)
    boots: int = 0
    mode: str = "friendly"
    scope: dict[str, object] = field(default_factory=dict)

    # ---- life -----------------------------------------------------------------------------------------------

    async def serve(self):
        self._queue = bytearray()
        try:
            await self.boot(runs_main=True)
            while True:
                await self.step()
        except Exception as end:
            if type(end).__name__ != "PortGone" and not isinstance(end, PowerCutError):
                raise
            await self.stream.close()

    async def boot(self, *, runs_main):
        self.boots += 1
        self.scope = {"__name__": "__main__"}
        self.is_protected = self.variant.is_protected
        await asyncio.sleep(self.variant.boot_s)
        await self.say(self.variant.boot_noise)
        if runs_main and self.variant.main and "/usr/main.py" in self.files.tree:
            await self.main()
            return
        await self.say(BANNER if self.mode == "raw" else FRIENDLY)

    async def main(self):
        loop = asyncio.get_running_loop()
        listens_from = loop.time() + self.variant.deaf_s
        while True:
            await self.say(b"Hello World !\r\n")
            data = b""
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.3):
                    data = await self.stream.read_some()
            self.received += data
            if loop.time() < listens_from:
                self._queue += data
            elif b"\x03" in data and self.variant.main == "honours":
                self._queue += data[data.index(b"\x03") + 1 :]
                await self.say(b'Traceback (most recent call last):\r\n  File "main.py"\r\nKeyboardInterrupt: \r\n')
                await self.say(b"MPY: soft reboot\r\n")
                return await self.boot(runs_main=False)

    async def say(self, data):
        if data:
            await self.stream.write_all(data)

    async def byte(self) -> int:
        while not self._queue:
            data = await self.stream.read_some()
            self.received += data
            self._queue += data
        return self._queue.pop(0)

    # ---- the prompts ---------------------------------------------------------------------------------------

    async def step(self):
        await (self.friendly() if self.mode == "friendly" else self.raw())

    async def friendly(self):
        line = bytearray()
        while True:
            c = await self.byte()
            if self.is_protected and c in b"\r\x01\x02\x03\x04\x05":
                await self.say(b"\r\nREPL refuse\r\n>>> ")
                line.clear()
            elif c == 1 and not line:
                self.mode = "raw"
                return await self.say(b"\r\n" + BANNER)
            elif c == 2 and not line:
                await self.say(b"\r\n" + FRIENDLY)
            elif c == 3:
                line.clear()
                await self.say(b"\r\n>>> ")
            elif c == 4 and not line:
                await self.say(b"\r\nMPY: soft reboot\r\n")
                return await self.boot(runs_main=True)
            elif c == 13:
                await self.say(b"\r\n")
                printed, error = self.execute(bytes(line), "single")
                line.clear()
                await self.say((printed + error).replace(b"\n", b"\r\n") + b">>> ")
            elif 32 <= c <= 126:
                line.append(c)
                await self.say(bytes([c]))

    async def raw(self):
        line = bytearray()
        while True:
            c = await self.byte()
            if c == 1:
                line.clear()
                await self.say(BANNER)
            elif c == 2:
                self.mode = "friendly"
                return await self.say(b"\r\n" + FRIENDLY)
            elif c == 3:
                line.clear()
            elif c == 4:
                await self.say(self.variant.noise)
                await asyncio.sleep(self.variant.answer_s)
                if not line:
                    await self.say(b"OK\r\nMPY: soft reboot\r\n")
                    return await self.boot(runs_main=False)
                await self.say(b"OK")
                await self.answer(bytes(line))
                line.clear()
            elif c == 5 and not line and self.variant.paste != "unknown":
                await self.paste()
            else:
                line.append(c)

    async def paste(self):
        letter, one = await self.byte(), await self.byte()
        if self.variant.paste == "silent":
            return
        if self.variant.paste == "refused" or letter != 0x41 or one != 1:
            await self.say(b"R\x00")
            return
        window = self.variant.window_bytes
        await self.say(b"R\x01" + window.to_bytes(2, "little"))
        code = bytearray()
        credit = window
        while (c := await self.byte()) not in {3, 4}:
            code.append(c)
            assert credit > 0, "the host sent more than a window"
            credit -= 1
            if credit <= window // 2:
                credit += window
                await self.say(b"\x01")
        await self.say(self.variant.noise)
        await asyncio.sleep(self.variant.answer_s)
        await self.say(b"\x04")
        if c == 3:
            await self.say(b"\x04KeyboardInterrupt: \r\n\x04>")
        else:
            await self.answer(bytes(code))

    async def answer(self, code):
        if b"while True" in code and b"print('tick')" in code:
            printed, error = b"", await self.loop_for_ever()
        else:
            printed, error = self.execute(code, "exec")
        await self.say(printed.replace(b"\n", b"\r\n") + b"\x04" + error.replace(b"\n", b"\r\n") + b"\x04>")

    async def loop_for_ever(self):
        while True:
            await self.say(b"tick\r\n")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.5):
                    c = await self.byte()
                    if c == 3 and self.variant.honours_raw_interrupt:
                        return b"Traceback (most recent call last):\nKeyboardInterrupt: \n"

    # ---- running code --------------------------------------------------------------------------------------

    def execute(self, code: bytes, kind: str):
        self.executed.append(code.decode())
        printed = io.StringIO()
        scope = self.scope
        scope["__builtins__"] = self.builtins(printed)
        try:
            self.interpret(code.decode(), kind, scope, printed)
        except PowerCutError:
            raise
        except BaseException as error:  # noqa: BLE001  a module's REPL shows whatever was raised
            return printed.getvalue().encode(), self.traceback(error)
        return printed.getvalue().encode(), b""

    @staticmethod
    def interpret(code, kind, scope, printed):
        """A line of the friendly prompt shows the value of an expression; anything else is a file."""
        if kind == "single":
            with contextlib.suppress(SyntaxError):
                value = eval(compile(code, "<stdin>", "eval"), scope)
                if value is not None:
                    printed.write(repr(value) + "\n")
                return
        exec(compile(code, "<stdin>", "exec"), scope)

    @staticmethod
    def traceback(error):
        if isinstance(error, OSError) and error.args and isinstance(error.args[0], int):
            names = {2: "[Errno 2] ENOENT", 17: "[Errno 17] EEXIST", 19: "[Errno 19] ENODEV", 21: "[Errno 21] EISDIR"}
            text = f"OSError: {names.get(error.args[0], error.args[0])}"
        else:
            text = traceback.format_exception_only(error)[-1].strip()
        return f'Traceback (most recent call last):\n  File "<stdin>", line 1, in <module>\n{text}\n'.encode()

    def builtins(self, printed):
        inside = dict(vars(builtins))
        inside["open"] = self.files.open
        inside["print"] = lambda *a, **k: print(*a, **k, file=printed)
        inside["__import__"] = self.load
        for absent in ("reversed", "frozenset"):
            del inside[absent]
        return inside

    def load(self, name, *_):
        files = self.files
        known = {
            "uos": types.SimpleNamespace(
                stat=files.stat,
                ilistdir=files.ilistdir,
                statvfs=files.statvfs,
                mkdir=files.mkdir,
                remove=files.remove,
                rmdir=files.remove,
                rename=files.rename,
                uname=lambda: ("sysname=EC600U-CNLB", "nodename=EC600U", "release=1.13.0"),
            ),
            "ubinascii": binascii,
            "ujson": json,
            "utime": types.SimpleNamespace(),
            **({"uhashlib": hashlib} if self.variant.has_hashlib else {}),
            **self.modules,
        }
        if name not in known:
            raise ImportError(f"no module named '{name}'")
        return known[name]
