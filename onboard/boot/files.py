"""File systems in the module's flash: MicroPython's own littlefs on a block device of ours.

The block device reads the mapped cells directly and asks the supervisor to erase and program.

::

    script ─ open, os.* ─▶ DeviceFs (gate) ─▶ VfsLfs1 / VfsLfs2 ─▶ Blocks ─ read ──▶ mapped flash
                                                                      └─ erase, program ──▶ supervisor

littlefs is not re-entrant and the interpreter has no global lock, so every entry passes the gate: one thread at a time,
no callback and no interrupt inside. The collector may not close files either (it would run littlefs in the middle of a
collection): a dropped file leaves a mark, and the next entry through the gate closes it.
"""

import io

import uctypes
from boot import native
from boot.channel import late

ENFILE = 23
EIO = 5
ENODEV = 19

_MAX_OPEN = 256


class Gate:
    """One thread at a time, and what had to wait meanwhile."""

    def __init__(self):
        self._lock = native.thread.allocate_lock()
        self.is_main_inside = False
        self.has_events = False
        self.drain = None
        self._open = [None] * _MAX_OPEN
        self._dropped = bytearray(_MAX_OPEN)
        self._has_dropped = bytearray(1)

    def run(self, function, *arguments):
        """``function(*arguments)`` with the file system to itself."""
        main = native.in_main()
        if main and self.is_main_inside:
            return function(*arguments)
        self._lock.acquire()
        self.is_main_inside = main
        try:
            if self._has_dropped[0]:
                self._close_dropped()
            return function(*arguments)
        finally:
            self.is_main_inside = False
            self._lock.release()
            if main:
                late.deliver()
                if self.has_events:
                    self.has_events = False
                    self.drain(0)

    def keep(self, native_file):
        """Slot number under which the file stays referenced until ``forget``."""
        for attempt in range(2):
            for slot in range(_MAX_OPEN):
                if self._open[slot] is None:
                    self._open[slot] = native_file
                    self._dropped[slot] = 0
                    return slot
            if attempt == 0:
                native.gc.collect()
                self._close_dropped()
        native_file.close()
        raise OSError(ENFILE)

    def forget(self, slot):
        """The file in the slot was closed."""
        self._open[slot] = None
        self._dropped[slot] = 0

    def _close_dropped(self):
        self._has_dropped[0] = 0
        for slot in range(_MAX_OPEN):
            if self._dropped[slot]:
                dropped = self._open[slot]
                self.forget(slot)
                try:
                    dropped.close()
                except OSError as fault:
                    print("unclosed file:", fault)


gate = Gate()


class File(io.IOBase):
    """An open file as scripts see it; every call passes the gate."""

    def __init__(self, native_file, is_text):
        self._file = native_file
        self._is_text = is_text
        self._slot = gate.keep(native_file)
        self._marks = gate._dropped
        self._any_mark = gate._has_dropped

    def __del__(self):
        if self._file is not None:
            self._marks[self._slot] = 1
            self._any_mark[0] = 1

    def __repr__(self):
        return "<io.TextIOWrapper>" if self._is_text else "<io.FileIO>"

    def _native(self):
        if self._file is None:
            raise ValueError("I/O operation on closed file")
        return self._file

    def read(self, size=-1):
        return gate.run(self._native().read, -1 if size is None else size)

    def readinto(self, buffer, size=-1):
        if size >= 0:
            buffer = memoryview(buffer)[:size]
        return gate.run(self._native().readinto, buffer)

    def readline(self, size=-1):
        return gate.run(self._native().readline, size)

    def readlines(self):
        return gate.run(self._native().readlines)

    def write(self, data, *window):
        return gate.run(self._native().write, data, *window)

    def seek(self, offset, whence=0):
        return gate.run(self._native().seek, offset, whence)

    def tell(self):
        return gate.run(self._native().tell)

    def flush(self):
        return gate.run(self._native().flush)

    def close(self):
        if self._file is not None:
            gate.run(self._close)

    def _close(self):
        closing = self._file
        self._file = None
        gate.forget(self._slot)
        closing.close()

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
                late.is_late = True

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
                late.is_late = True

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
                late.is_late = True

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


class DeviceFs:
    """A partition mounted for scripts: littlefs behind the gate."""

    def __init__(self, lfs, is_protected, twin):
        self.lfs = lfs
        self.is_protected = is_protected
        self._twin = twin

    def mount(self, readonly, mkfs):
        pass

    def umount(self):
        pass

    def open(self, path, mode):
        if mode == "rb":  # the importer's spelling; scripts come through builtins.open, which says "br"
            return io.BytesIO(self._twin(path, self.read_whole(path)))
        if self.is_protected and mode not in ("r", "rt", "br", "tr"):
            return -1
        return File(gate.run(self.lfs.open, path, mode), "b" not in mode)

    def read_whole(self, path):
        return gate.run(self._read_whole, path)

    def _read_whole(self, path):
        file = self.lfs.open(path, "rb")
        try:
            return file.read()
        finally:
            file.close()

    def stat(self, path):
        return gate.run(self.lfs.stat, path)

    def statvfs(self, path):
        return gate.run(self.lfs.statvfs, path)

    def ilistdir(self, path):
        return iter(gate.run(self._list, path))

    def _list(self, path):
        return list(self.lfs.ilistdir(path))

    def chdir(self, path):
        return gate.run(self.lfs.chdir, path)

    def getcwd(self):
        return gate.run(self.lfs.getcwd)

    def mkdir(self, path):
        return gate.run(self.lfs.mkdir, path)

    def remove(self, path):
        return gate.run(self.lfs.remove, path)

    def rmdir(self, path):
        return gate.run(self.lfs.rmdir, path)

    def rename(self, old, new):
        return gate.run(self.lfs.rename, old, new)


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
