"""The zygote process and the children it forks: from a request with descriptors to a running interpreter.

::

    supervisor ──(JSON, descriptors)──▶ zygote ──fork──▶ child: descriptors in place, mapped flash and ROM,
               ◀──born / dead──────────                         confined, control thread, interpreter on the main thread

The zygote is single-threaded, has the interpreter library loaded but not started, and does nothing else, so a fork is
cheap and safe. It ends when the supervisor's socket closes, and its children end with it.

Descriptors in the child, agreed with ``onboard/boot``:

====  ==========  =========================================================================================
0, 1  stdio       socket ends; 2 is a copy of 1
3     command     source to run in, status out (``runtime``)
4     flash       erase and program requests (``flash_service``)
5     call        everything else a script asks of the module (``services``)
6     event       callbacks from the supervisor
7     control     never touched by the interpreter: ``I`` interrupt, ``E`` events wait, ``D`` + address of the drain,
                  ``L`` + number with a descriptor beside it: a line is lent
8     life        a pipe's writing end: the zygote sees it close when the child ends
9-    lines       lent at run time (``Life.lend``): sockets of scripts, one each; the shim closes them
====  ==========  =========================================================================================

The child can open nothing itself. What it is to have besides the channels the supervisor makes, and sends one end of:
the control thread takes it and says under which number it arrived, ``L<number> <descriptor>``, -1 when the child has as
many as it may have.

This file runs without the rest of the package (see ``zygote``): standard library and its two siblings only.

Source: micropython-runtime 3, 6, 8.
"""

from __future__ import annotations

import array
import ctypes
import fcntl
import gc
import json
import os
import resource
import select
import signal
import socket
import struct
import sys
import threading
from pathlib import Path
from typing import Any, Final

from moduline.vmodule.interpreter import engine, sandbox

MESSAGE_BYTES: Final = 65536
CHANNELS: Final = ("stdin", "stdout", "command", "flash", "call", "event", "control")
CONTROL_FD: Final = sandbox.CONTROL_FD
LAST_FD: Final = 8
ORDER: Final = struct.Struct("<cQ")  # letter and, for D, an address, for L, a number
RETRY_MS: Final = 2
DONE: Final = b"\n"  # the control thread has carried out an ``I``

_PROT_READ, _MAP_SHARED = 1, 1
_MADV_NOHUGEPAGE = 15  # one block read must not map two megabytes

# What ``-c`` gets: mount the ROM, hand over to it. Everything else is in onboard/boot/start.py.
_BOOT: Final = """\
import vfs,uctypes,sys
vfs.mount(vfs.VfsRom(uctypes.bytearray_at({rom_at},{rom_size})),'/rom')
sys.path[:]=['/rom']
__import__('boot.start').start.run(globals(),{facts})
"""


def serve(control_fd: int, library: str) -> None:
    """Be the zygote: answer spawn requests on ``control_fd`` until its other end closes."""
    requests = socket.socket(fileno=control_fd)
    running = engine.Engine(Path(library))
    _preload()
    poller = select.poll()
    poller.register(requests, select.POLLIN)
    children: dict[int, int] = {}  # reading end of a pipe whose other end only the child holds -> pid
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in the terminal is the supervisor's business
    gc.collect()
    gc.freeze()
    _tell(requests, {"event": "ready"})
    while True:
        for fd, _ in poller.poll():
            if fd in children:
                poller.unregister(fd)
                pid = children.pop(fd)
                os.close(fd)
                _, status = os.waitpid(pid, 0)
                _tell(requests, {"event": "dead", "pid": pid, "status": os.waitstatus_to_exitcode(status)})
                continue
            request, fds = _receive(requests)
            if request is None:
                return
            watch, held = os.pipe()
            pid = os.fork()
            if pid == 0:
                _become_child(running, request, [*fds, held])
            for given in (*fds, held):
                os.close(given)
            children[watch] = pid
            poller.register(watch, select.POLLIN)
            _tell(requests, {"event": "born", "id": request["id"], "pid": pid})


def _receive(requests: socket.socket) -> tuple[dict[str, Any] | None, list[int]]:
    """The next request and its descriptors; (None, []) when the supervisor is gone."""
    try:
        data, fds, _, _ = socket.recv_fds(requests, MESSAGE_BYTES, len(CHANNELS))
        while data and not data.endswith(b"\n"):
            more = requests.recv(MESSAGE_BYTES)
            data = data + more if more else b""
    except ConnectionError:
        data, fds = b"", []
    if not data:
        return None, []
    return json.loads(data), list(fds)


def _tell(requests: socket.socket, message: dict[str, Any]) -> None:
    try:
        requests.sendall(json.dumps(message).encode() + b"\n")
    except OSError:
        os._exit(0)  # the supervisor is gone; the children follow by their death signal


def _preload() -> None:
    """Load now what the C library would otherwise open files for later, in the confined child."""
    try:
        if sys.platform == "linux":
            ctypes.CDLL("libgcc_s.so.1")
    except OSError:
        sys.stderr.write("moduline: libgcc_s is missing; threads of scripts may fail to end\n")
    threading.Thread(target=int).start()
    array.array("B", b"\0")
    os.urandom(1)


def _become_child(running: engine.Engine, request: dict[str, Any], fds: list[int]) -> None:
    """Never returns: wires the descriptors, confines the process, runs the interpreter."""
    try:
        sandbox.die_with_parent()
        _place(fds)
        os.environ.clear()
        if request["core"] is not None and hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, {request["core"]})
        rom_at = _map(*request["rom"])
        flash_at = _map(*request["flash"])
        control = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, 0, fileno=CONTROL_FD)  # made here: it asks about it
        missing = sandbox.confine()
        os.write(CONTROL_FD, json.dumps(missing).encode() + b"\n")
        if missing and request["is_confined"]:
            os._exit(0)
        threading.Thread(target=_obey, args=(running, control), daemon=True).start()
        facts = dict(request["facts"], flash_at=flash_at, flash_size=request["flash"][2])
        boot = _BOOT.format(rom_at=rom_at, rom_size=request["rom"][2], facts=repr(facts))
        code = running.run(["module", "-X", f"heapsize={request['heap_bytes']}", "-c", boot])
        os._exit(code)
    except BaseException as fault:  # noqa: BLE001 - a forked process must never fall back into the zygote's loop
        os.write(2, f"moduline child: {fault!r}\n".encode())
        os._exit(70)


def _place(fds: list[int]) -> None:
    """Move the descriptors to their agreed numbers and close all others."""
    stdin, stdout, *rest = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, LAST_FD + 1) for fd in fds]
    for number, fd in enumerate([stdin, stdout, stdout, *rest]):
        os.dup2(fd, number)
    os.closerange(LAST_FD + 1, resource.getrlimit(resource.RLIMIT_NOFILE)[0])


def _map(path: str, offset: int, size: int) -> int:
    """Address of ``size`` bytes of the file from ``offset``, mapped read-only and shared."""
    page = offset % os.sysconf("SC_PAGE_SIZE")
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [
        ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long,
    ]  # fmt: skip
    fd = os.open(path, os.O_RDONLY)
    address = libc.mmap(None, size + page, _PROT_READ, _MAP_SHARED, fd, offset - page)
    os.close(fd)
    if address in (None, ctypes.c_void_p(-1).value):
        raise OSError(ctypes.get_errno(), "mmap")
    if sys.platform == "linux":
        libc.madvise(ctypes.c_void_p(address), ctypes.c_size_t(size + page), _MADV_NOHUGEPAGE)
    return int(address) + page


def _obey(running: engine.Engine, control: socket.socket) -> None:
    """The control thread: turns the supervisor's bytes into interrupts, scheduled calls and lines."""
    drain = 0
    is_due = False  # the interpreter's own queue was full
    readable = select.poll()
    readable.register(control, select.POLLIN)
    while True:
        if is_due and not readable.poll(RETRY_MS):
            is_due = not running.schedule(drain)
            continue
        order, lent, _, _ = socket.recv_fds(control, ORDER.size, 1)
        while 0 < len(order) < ORDER.size:
            more = control.recv(ORDER.size - len(order))
            order = order + more if more else b""
        if not order:
            os._exit(0)
        letter, value = ORDER.unpack(order)
        if letter == b"I":
            running.interrupt()
            os.write(CONTROL_FD, DONE)
        elif letter == b"D":
            drain = value
        elif letter == b"E" and drain:
            is_due = not running.schedule(drain)
        elif letter == b"L":
            os.write(CONTROL_FD, b"L%d %d\n" % (value, lent[0] if lent else -1))
