"""File systems in the module's flash: MicroPython's own littlefs on a block device of ours.

The block device reads the mapped cells directly and asks the supervisor to erase and program.

::

    script ─ open, os.* ─▶ DeviceFs (gate) ─▶ VfsLfs1 / VfsLfs2 ─▶ Blocks ─ read ──▶ mapped flash
                                                                      └─ erase, program ──▶ supervisor

littlefs is not re-entrant and the interpreter has no global lock, so every entry passes the gate: one thread at a time,
no callback and no interrupt inside. The collector may not close files either (it would run littlefs in the middle of a
collection), so every native file stays referenced until it is closed; see ``File``.

The interpreter's collector lets other threads run on while it marks. Something that moves meanwhile from a place it has
not seen to one it has seen already, is lost: so the only reference to a file never moves, as it would in a list.
"""

import io

import uctypes

from boot import native
from boot.channel import Guard, shelter

EIO = 5
ENODEV = 19
ENAMETOOLONG = 36

_MAX_NAME = 255  # littlefs 1 itself would keep the length's lowest byte and the name's beginning

_MAX_LIVE = 16
_DIRECTORY = 0x4000


gate = Guard()
_live = {}  # files with a native one behind them, by identity
_uses = [0]


class File(io.IOBase):
    """An open file as scripts see it; every call passes the gate.

    Only a few native files are open at a time: the one unused for longest is closed, and opened again where it was when
    it is used again. So a file that a script forgot to close is written sooner or later, and its room is given back.
    """

    def __init__(self, lfs, path, mode):
        self._lfs = lfs
        self._path = path if path.startswith("/") else lfs.getcwd().rstrip("/") + "/" + path
        self._mode = mode
        self._is_text = "b" not in mode
        self._is_closed = False
        self._at = 0
        self._native = None
        self._make_room()
        self._native = lfs.open(path, mode)
        self._use()

    def __repr__(self):
        return "<io.TextIOWrapper>" if self._is_text else "<io.FileIO>"

    def _call(self, name, *arguments):
        if self._is_closed:
            raise ValueError("I/O operation on closed file")
        return gate.run(self._inside, name, arguments)

    def _inside(self, name, arguments):
        if self._native is None:
            self._make_room()
            again = "a" if "a" in self._mode else "r+" if self.is_writer() else "r"
            self._native = self._lfs.open(self._path, again + ("" if self._is_text else "b"))
            self._native.seek(self._at)
        self._use()
        return getattr(self._native, name)(*arguments)

    def _use(self):
        """The native file is there and was used last."""
        _uses[0] += 1
        self.used = _uses[0]
        _live[id(self)] = self

    def is_writer(self):
        return any(letter in self._mode for letter in "wax+")

    @staticmethod
    def _make_room():
        while len(_live) >= _MAX_LIVE:
            min(_live.values(), key=lambda file: file.used).park()

    def park(self):
        """Inside the gate: close the native file, remember the place."""
        try:
            self._at = self._native.tell()
        finally:
            self._let_go()

    def _let_go(self):
        try:
            self._native.close()
        finally:
            self._native = None
            del _live[id(self)]

    def read(self, size=-1):
        return self._call("read", -1 if size is None else size)

    def readinto(self, buffer, size=-1):
        if size >= 0:
            buffer = memoryview(buffer)[:size]
        return self._call("readinto", buffer)

    def readline(self, size=-1):
        return self._call("readline", size)

    def readlines(self):
        return self._call("readlines")

    def write(self, data, *window):
        count = self._call("write", data, *window)
        return len(data) if isinstance(data, str) and not window and self._is_text else count

    def seek(self, offset, whence=0):
        return self._call("seek", offset, whence)

    def tell(self):
        return self._call("tell")

    def flush(self):
        return self._call("flush")

    def close(self):
        if not self._is_closed:
            self._is_closed = True
            gate.run(self._close)

    def _close(self):
        if self._native is not None:
            self._let_go()

    def ioctl(self, request, argument):
        if request == 4:
            self.close()
            return 0
        if request == 1:
            self.flush()
            return 0
        return -1

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def __iter__(self):
        return self

    def __next__(self):
        line = self.readline()
        if not line:
            raise StopIteration
        return line


def close_all():
    """Write what is open, as the collector does when the module resets itself."""
    while _live:
        try:
            gate.run(next(iter(_live.values())).park)
        except OSError as fault:
            print("unclosed file:", fault)


class Blocks:
    """Block device of one partition; an erase waits for the program that follows it and travels with it."""

    def __init__(self, channel, index, cells, block_bytes, count):
        self._channel = channel
        self._index = index
        self._cells = cells
        self._block_bytes = block_bytes
        self._count = count
        self._waiting = -1

    def readblocks(self, block, buffer, offset=0):
        while True:
            try:
                start = block * self._block_bytes
                if self._waiting == start:
                    self._settle()
                start += offset
                buffer[:] = self._cells[start : start + len(buffer)]
                return 0
            except KeyboardInterrupt:
                shelter.is_late = True

    def writeblocks(self, block, buffer, offset=0):
        while True:
            try:
                start = block * self._block_bytes + offset
                if self._waiting == start:
                    self._send(b"X", start, buffer)
                    self._waiting = -1
                else:
                    self._settle()
                    self._send(b"P", start, buffer)
                return 0
            except KeyboardInterrupt:
                shelter.is_late = True

    def ioctl(self, request, argument):
        while True:
            try:
                if request == 4:
                    return self._count
                if request == 5:
                    return self._block_bytes
                self._settle()
                if request == 6:
                    self._waiting = argument * self._block_bytes
                return 0
            except KeyboardInterrupt:
                shelter.is_late = True

    def _settle(self):
        if self._waiting >= 0:
            self._send(b"E", self._waiting, b"")
            self._waiting = -1

    def _send(self, op, start, data):
        head = bytearray(10)
        head[0:1] = op
        head[1] = self._index
        head[2:6] = start.to_bytes(4, "little")
        head[6:10] = (len(data) or self._block_bytes).to_bytes(4, "little")
        if self._channel.exchange([head, data] if data else [head]):
            raise OSError(EIO)


def _named(path):
    """The path, when the file system has room for its names."""
    if any(len(part.encode()) > _MAX_NAME for part in path.split("/")):
        raise OSError(ENAMETOOLONG)
    return path


class DeviceFs:
    """A partition mounted for scripts: littlefs behind the gate."""

    def __init__(self, lfs, is_protected, twin):
        self.lfs = lfs
        self.is_protected = is_protected
        self._twin = twin

    def __repr__(self):
        return "<%s>" % type(self.lfs).__name__

    def mount(self, readonly, mkfs):
        pass

    def umount(self):
        pass

    def open(self, path, mode):
        if mode == "rb":  # the importer's spelling; scripts come through builtins.open, which says "br"
            return io.BytesIO(self._twin(path, self.read_whole(path)))
        if self.is_protected and mode not in ("r", "rt", "br", "tr"):
            return -1
        return gate.run(File, self.lfs, _named(path), mode)

    def read_whole(self, path):
        return gate.run(self._read_whole, path)

    def _read_whole(self, path):
        file = self.lfs.open(path, "rb")
        try:
            return file.read()
        finally:
            file.close()

    def stat(self, path):
        found = gate.run(self.lfs.stat, path)
        if found[0] == _DIRECTORY:  # littlefs leaves a directory's size as it was in memory
            return (_DIRECTORY, 0, 0, 0, 0, 0, 0, 0, 0, 0)
        return found

    def statvfs(self, path):
        return gate.run(self.lfs.statvfs, path)

    def ilistdir(self, path):
        return iter(gate.run(self._list, path))

    def _list(self, path):
        return [e if e[1] != _DIRECTORY else (e[0], _DIRECTORY, 0, 0) for e in self.lfs.ilistdir(path)]

    def chdir(self, path):
        return gate.run(self.lfs.chdir, path)

    def getcwd(self):
        return gate.run(self.lfs.getcwd)

    def mkdir(self, path):
        return gate.run(self.lfs.mkdir, _named(path))

    def remove(self, path):
        return gate.run(self.lfs.remove, path)

    def rmdir(self, path):
        return gate.run(self.lfs.rmdir, path)

    def rename(self, old, new):
        return gate.run(self.lfs.rename, old, _named(new))


class Partitions:
    """The partitions of the flash by name; opens each at most once, formats what does not mount."""

    def __init__(self, channel, calls, flash_at, flash_size, plans):
        cells = memoryview(uctypes.bytearray_at(flash_at, flash_size))
        self._calls = calls
        self._opened = {}
        self._devices = {}
        self.plans = {}
        for index, plan in enumerate(plans):
            start = plan["offset"]
            window = cells[start : start + plan["size"]]
            self._devices[plan["partition"]] = Blocks(channel, index, window, plan["block"], plan["blocks"])
            self.plans[plan["partition"]] = plan
        self.formatted = []

    def open(self, name):
        """The littlefs of the partition; OSError 19 for an unknown name."""
        if name not in self._devices:
            raise OSError(ENODEV)
        if name not in self._opened:
            self._opened[name] = gate.run(self._mount, name)
        return self._opened[name]

    def _mount(self, name):
        plan, device = self.plans[name], self._devices[name]
        kind = native.VfsLfs2 if plan["kind"] == "lfs2" else native.VfsLfs1
        sizes = {"readsize": plan["read"], "progsize": plan["program"], "lookahead": plan["lookahead"]}
        live = dict(sizes)
        if kind is native.VfsLfs2:
            live["mtime"] = False
        try:
            return kind(device, **live)
        except OSError:
            kind.mkfs(device, **sizes)
            self.formatted.append(plan["path"])
            self._calls.ask("notice", slug="virt.formatted", mount=plan["path"])
            return kind(device, **live)

    def device_fs(self, name, is_protected, twin):
        """A mountable object for the partition."""
        return DeviceFs(self.open(name), is_protected, twin)
