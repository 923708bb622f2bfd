"""The "USB tree" of virtual modules: one small file per module, written by racks, read by whoever looks for ports.

::

    <home>/racks/<rack>/<name>.json     {"name", "rack", "model", "imei", "slot", "state", "ports": [...],
                                         "process", "process_started", "updated"}

A file is replaced atomically whenever something an operating system would see changes: power, state, ports. An entry
whose process is dead is stale; readers pass over it and ``sweep`` takes it away. In download mode a real module tells
no IMEI and no serial number, so consumers that look for download ports use ``ports`` and ``slot`` only.

``MODULINE_HOME`` moves the whole tree; tests do.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import platformdirs

from moduline.errors import BadOption, StorageFailed, Text

_ENUMERATIONS = itertools.count(1)

ModuleState = Literal["off", "booting", "running", "download"]


@dataclass(frozen=True, slots=True)
class PortEntry:
    """One port of a virtual module.

    Args:
        role: ``at``, ``repl``, ``download``, ``uart2`` and so on.
        path: what a host opens: a device path, or ``tcp:127.0.0.1:4711`` where there are no pseudo-terminals.
        vid: USB vendor id.
        pid: USB product id.
        product: USB product text, empty in download mode.
        location: USB place, such as ``virt-bench-1``; the same for all ports of a module, in every state.
        enumeration: another number for every time the port appeared.
    """

    role: str
    path: str
    vid: int = 0
    pid: int = 0
    product: str = ""
    location: str = ""
    enumeration: int = 0


@dataclass(frozen=True, slots=True)
class ModuleEntry:
    """One virtual module as the tree shows it; ``updated`` is Unix time in seconds, filled in by :func:`publish`."""

    name: str
    rack: str
    model: str = ""
    imei: str = ""
    slot: str = ""
    state: ModuleState = "off"
    ports: tuple[PortEntry, ...] = ()
    process: int = 0
    process_started: str = ""
    updated: float = field(default=0.0, compare=False)

    def port(self, role: str) -> PortEntry | None:
        """The port of that role, or None."""
        return next((port for port in self.ports if port.role == role), None)


def next_enumeration() -> int:
    """A number for a port that appears now; never given twice by this process."""
    return next(_ENUMERATIONS)


def home() -> Path:
    """The folder of racks, records and caches: ``MODULINE_HOME`` or the system's place for state."""
    chosen = os.environ.get("MODULINE_HOME")
    return Path(chosen) if chosen else Path(platformdirs.user_state_dir("moduline"))


def racks_folder() -> Path:
    """Where the racks lie."""
    return home() / "racks"


def rack_folder(rack: str) -> Path:
    """The folder of one rack; it also takes the rack's links and flash files.

    Raises:
        BadOption: a name that is no plain file name.
    """
    return racks_folder() / _plain(rack, "rack")


def publish(entry: ModuleEntry) -> None:
    """Show ``entry`` in the tree, in place of what was shown before; this process becomes its owner.

    Raises:
        BadOption: a name that is no plain file name.
        StorageFailed: the file cannot be written.
    """
    path = rack_folder(entry.rack) / f"{_plain(entry.name, 'name')}.json"
    process = os.getpid()
    owned = replace(entry, process=process, process_started=_started(process), updated=time.time())
    fresh = path.with_name(f".{path.name}.{process}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh.write_text(json.dumps(asdict(owned), ensure_ascii=False), encoding="utf-8")
        fresh.replace(path)
    except OSError as cause:
        raise StorageFailed(path=str(path), reason=cause.strerror) from cause


def withdraw(rack: str, name: str) -> None:
    """Take a module out of the tree; nothing happens when it is not there."""
    with contextlib.suppress(FileNotFoundError):
        (rack_folder(rack) / f"{_plain(name, 'name')}.json").unlink()


def modules(rack: str | None = None) -> tuple[ModuleEntry, ...]:
    """Every live module of ``rack`` (None: of all racks), by rack and name; stale and unreadable files are left out."""
    return tuple(entry for _, entry in _entries(rack) if entry is not None and is_alive(entry))


def sweep() -> tuple[str, ...]:
    """Take away what dead racks left behind; gives the paths removed."""
    removed = []
    for path, entry in _entries(None):
        if entry is None or not is_alive(entry):
            with contextlib.suppress(FileNotFoundError):
                path.unlink()
                removed.append(str(path))
    return tuple(removed)


def is_alive(entry: ModuleEntry) -> bool:
    """Whether the process that published ``entry`` still runs, and is not a later one with the same number."""
    if not is_running(entry.process):
        return False
    return not entry.process_started or _started(entry.process) in {"", entry.process_started}


def is_running(process: int) -> bool:
    """Whether a process of that number runs on this computer."""
    if process <= 0:
        return False
    if sys.platform == "win32":
        return _runs_on_windows(process)
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return _status_words(process)[:1] not in (["Z"], ["X"])  # dead, only not yet collected by its parent


def process_mark(process: int) -> str:
    """What tells a process from a later one of the same number; empty where the system does not say."""
    return _started(process) if process > 0 else ""


def tree_stamp() -> tuple[tuple[str, int, int], ...]:
    """Something that changes whenever the tree does; cheap enough to be asked many times a second."""
    stamp = []
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        for rack in os.scandir(racks_folder()):
            if rack.is_dir():
                with contextlib.suppress(FileNotFoundError):
                    stamp += [
                        (entry.path, status.st_mtime_ns, status.st_ino)
                        for entry in os.scandir(rack.path)
                        if entry.name.endswith(".json") and (status := _status(entry)) is not None
                    ]
    return tuple(sorted(stamp))


def _status(entry: os.DirEntry[str]) -> os.stat_result | None:
    try:
        return os.stat(entry.path)  # noqa: PTH116  a DirEntry's own stat would be cached on Windows
    except FileNotFoundError:
        return None


def _entries(rack: str | None) -> Iterator[tuple[Path, ModuleEntry | None]]:
    pattern = f"{rack}/*.json" if rack is not None else "*/*.json"
    for path in sorted(racks_folder().glob(pattern)):
        if path.name.startswith("."):
            continue
        try:
            yield path, _parse(json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            continue
        except (OSError, ValueError, TypeError, AttributeError, KeyError):
            yield path, None


def _parse(raw: dict[str, Any]) -> ModuleEntry:
    ports = tuple(
        PortEntry(**{name: port[name] for name in PortEntry.__slots__ if name in port}) for port in raw["ports"]
    )
    known = {name: raw[name] for name in ModuleEntry.__slots__ if name in raw and name != "ports"}
    return ModuleEntry(**known, ports=ports)


def _plain(name: str, what: str) -> str:
    if not name or name.startswith(".") or any(character in name for character in '/\\:*?"<>|\0'):
        raise BadOption(name=what, reason=Text("'{given}' is no plain name", "“{given}” 不是普通名称"), given=name)
    return name


def _started(process: int) -> str:
    """Start time of a process in the system's own unit, or nothing where the system does not tell."""
    words = _status_words(process)
    return words[19] if len(words) > 19 else ""


def _status_words(process: int) -> list[str]:
    """What Linux tells about a process behind its name, state first; nothing elsewhere."""
    try:
        status = Path(f"/proc/{process}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return []
    return status.rpartition(")")[2].split()


def _runs_on_windows(process: int) -> bool:
    import ctypes  # needed on Windows only

    synchronise, timed_out = 0x00100000, 0x102
    kernel = ctypes.WinDLL("kernel32", use_last_error=True)  # type: ignore[attr-defined,unused-ignore]
    opened = kernel.OpenProcess(synchronise, 0, process)
    if not opened:
        return False
    waited = kernel.WaitForSingleObject(opened, 0)
    kernel.CloseHandle(opened)
    return bool(waited == timed_out)
