"""How a rack in the background is spoken to: where its control channel is, and the messages on it.

::

    <home>/racks/<rack>/rack.ctl     {"unix": path} or {"tcp": port}, "token", "process"
    <home>/racks/<rack>/rack.log     what happened, one JSON object a line
    <home>/racks/<rack>/<name>/      flash.bin, wear.bin, content.json, links to ports

    request   {"token": ..., "do": "power", "name": "m1", "action": "off"}    one line of JSON, UTF-8
    answer    {"ok": true, ...}  or  {"ok": false, "code": "ML-E0301", "facts": {...}}

The channel is a Unix socket, and loopback TCP where there are none. Only the user who started the rack can read the
token.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from moduline.errors import ModulineError, StorageFailed, Text
from moduline.port import registry

MAX_LINE_BYTES: Final = 1 << 20
UNIX_PATH_BYTES: Final = 100


@dataclass(frozen=True, slots=True)
class Control:
    """Where a rack listens.

    Attributes:
        unix: path of its socket; empty for TCP.
        tcp: port on the loopback interface; 0 for a Unix socket.
        token: what every request must carry.
        process: of the rack.
    """

    unix: str
    tcp: int
    token: str
    process: int


def control_path(rack: str) -> Path:
    """Where a rack says how it is reached.

    Raises:
        BadOption: a name that is no plain file name.
    """
    return registry.rack_folder(rack) / "rack.ctl"


def log_path(rack: str) -> Path:
    """The rack's log."""
    return registry.rack_folder(rack) / "rack.log"


def socket_path(rack: str) -> Path:
    """Where the rack's socket lies: in its folder, or in a short place when that path is too long for a socket."""
    path = registry.rack_folder(rack) / "rack.sock"
    if len(os.fsencode(path)) <= UNIX_PATH_BYTES:
        return path
    digest = hashlib.sha256(os.fsencode(path.absolute())).hexdigest()[:20]
    return Path(tempfile.gettempdir()) / f"moduline-{digest}.sock"


def write_control(rack: str, control: Control) -> None:
    """Publish where the rack listens, readable for its user only.

    Raises:
        StorageFailed: it cannot be written.
    """
    path = control_path(rack)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump({name: getattr(control, name) for name in Control.__slots__}, file)
        fresh.replace(path)
    except OSError as cause:
        raise StorageFailed(path=str(path), reason=cause.strerror or str(cause)) from cause


def read_control(rack: str) -> Control | None:
    """Where the rack listens, or None when nothing readable says so."""
    try:
        return Control(**json.loads(control_path(rack).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def encode(message: dict[str, Any]) -> bytes:
    """One message as a line."""
    return json.dumps(message, ensure_ascii=False, default=str).encode("utf-8", "replace") + b"\n"


def failure_as_message(failure: ModulineError) -> dict[str, Any]:
    """A failure as an answer; texts keep both languages."""
    facts = {
        name: {"en": fact.en, "zh": fact.zh} if isinstance(fact, Text) else fact for name, fact in failure.facts.items()
    }
    return {"ok": False, "code": failure.code, "facts": facts}
