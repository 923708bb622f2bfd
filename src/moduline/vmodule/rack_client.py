"""Starting racks in the background and speaking to them; plain blocking calls."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Final

from moduline.errors import BadAnswer, NoAnswer, StorageFailed, Text, VirtualRackDown, failure_of
from moduline.port import registry
from moduline.vmodule import rack_wire

START_LIMIT_S: Final = 20.0
ANSWER_LIMIT_S: Final = 90.0
END_LIMIT_S: Final = 15.0


def ask(rack: str, do: str, limit_s: float = ANSWER_LIMIT_S, **facts: Any) -> dict[str, Any]:
    """The answer of a rack to one request.

    Args:
        rack: name.
        do: ``add``, ``list``, ``power``, ``cable``, ``signal``, ``fault``, ``wear``, ``operations``, ``set_aside``,
            ``down``.
        limit_s: how long the rack may take, in seconds.
        facts: the rest of the request.

    Raises:
        VirtualRackDown: no such rack is up.
        NoAnswer: it takes too long.
        BadAnswer: it ended while answering.
        ModulineError: what the rack answered.
    """
    control = rack_wire.read_control(rack)
    if control is None:
        raise VirtualRackDown(rack=rack)
    request = rack_wire.encode({"token": control.token, "do": do, **facts})
    try:
        with _connect(control) as link:
            link.settimeout(limit_s)
            link.sendall(request)
            line = _read_line(link)
    except TimeoutError as late:
        raise NoAnswer(what=f"virt {do}", seconds=limit_s) from late
    except (FileNotFoundError, ConnectionRefusedError) as gone:
        raise VirtualRackDown(rack=rack) from gone
    except OSError as broken:
        raise BadAnswer(what=f"virt {do}", answer=broken.strerror or str(broken)) from broken
    try:
        answer: dict[str, Any] = json.loads(line)
    except ValueError as broken:
        raise BadAnswer(what=f"virt {do}", answer=line[:80].decode("utf-8", "replace")) from broken
    if answer.get("ok"):
        return answer
    failure = failure_of(answer)
    if failure is None:
        raise BadAnswer(what=f"virt {do}", answer=str(answer)[:80])
    raise failure


def is_up(rack: str) -> bool:
    """Whether a rack answers."""
    try:
        ask(rack, "list", 10.0)
    except (VirtualRackDown, BadAnswer, NoAnswer):
        return False
    return True


def racks() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of the racks that are up, and of those that died without being taken down."""
    up: list[str] = []
    dead: list[str] = []
    folder = registry.racks_folder()
    for path in sorted(folder.glob("*/rack.ctl")) if folder.is_dir() else ():
        (up if is_up(path.parent.name) else dead).append(path.parent.name)
    return tuple(up), tuple(dead)


def bury(rack: str) -> None:
    """Take away what a dead rack left in the virtual USB tree; its flash files stay."""
    rack_wire.control_path(rack).unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        rack_wire.socket_path(rack).unlink(missing_ok=True)
    registry.sweep()


def take_down(rack: str, name: str = "all", *, is_deleting: bool = False) -> dict[str, Any]:
    """Take a module, or the whole rack down; returns when the rack's process has ended with its last module.

    Args:
        rack: name.
        name: of the module, or ``all``.
        is_deleting: delete the flash files, too.

    Raises:
        VirtualRackDown: no such rack is up.
        NoAnswer: its process does not end.
        ModulineError: what the rack answered.
    """
    control = rack_wire.read_control(rack)
    answer = ask(rack, "down", name=name, is_deleting=is_deleting)
    if answer["is_over"] and control is not None:
        limit = time.monotonic() + END_LIMIT_S
        while registry.is_running(control.process):
            if time.monotonic() > limit:
                raise NoAnswer(what="virt down", seconds=END_LIMIT_S)
            time.sleep(0.01)
    return answer


def start(rack: str) -> None:
    """Start a rack in the background, unless it is up; returns when it answers.

    Raises:
        StorageFailed: it did not come up; its log says why.
    """
    if is_up(rack):
        return
    bury(rack)
    folder = registry.rack_folder(rack)
    log = rack_wire.log_path(rack)
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with log.open("ab") as output:
            process = _detached([sys.executable, "-m", "moduline.vmodule.rack", rack], output.fileno())
    except OSError as cause:
        raise StorageFailed(path=str(log), reason=cause.strerror or str(cause)) from cause
    limit = time.monotonic() + START_LIMIT_S
    while not is_up(rack):
        if process.poll() not in {None, 5} or time.monotonic() > limit:
            why = Text("the rack did not start; see the log", "机架未能启动；详见日志")
            raise StorageFailed(path=str(log), reason=why)
        time.sleep(0.02)


def _detached(command: list[str], output: int) -> subprocess.Popen[bytes]:
    """A process of its own session that outlives this one."""
    home = registry.home().absolute()
    home.mkdir(parents=True, exist_ok=True)
    environment = os.environ | {"MODULINE_HOME": str(home)}
    flags = 0x00000008 | 0x00000200 if sys.platform == "win32" else 0  # DETACHED_PROCESS, CREATE_NEW_PROCESS_GROUP
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        cwd=home,
        env=environment,
        start_new_session=sys.platform != "win32",
        creationflags=flags,
    )
    threading.Thread(target=process.wait, daemon=True).start()  # collects it, should it end before this process
    return process


def _connect(control: rack_wire.Control) -> socket.socket:
    if control.unix:
        link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            link.connect(control.unix)
        except OSError:
            link.close()
            raise
        return link
    return socket.create_connection(("127.0.0.1", control.tcp), 5.0)


def _read_line(link: socket.socket) -> bytes:
    line = bytearray()
    while not line.endswith(b"\n"):
        piece = link.recv(65536)
        if not piece:
            raise ConnectionResetError(None, "the rack ended")
        line += piece
    return bytes(line)


def flash_path(rack: str, name: str) -> Path:
    """The flash file of a module, up or down."""
    return registry.rack_folder(rack) / name / "flash.bin"
