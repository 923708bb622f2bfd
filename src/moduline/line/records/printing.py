"""Where labels go: a printer's socket, a folder, a command; and the hook that prints after every PASS.

A label that cannot be printed is noted beside the record and told as a Notice; the verdict stays. Printing has a thread
of its own, so a printer without paper stops no slot.
"""

from __future__ import annotations

import queue
import re
import shlex
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, Self

from moduline.burn import BurnRecord
from moduline.burn.books import Remark
from moduline.errors import BadOption, LabelFailed, ModulineError, Text
from moduline.events import Notice, Reporter, silent
from moduline.line.records.labels import SUFFIXES, LabelTemplate, render

PRINTER_PORT: Final = 9100
"""Port of raw printing.  Source: IANA, pdl-datastream."""
LIMIT_S: Final = 15.0
"""How long a printer or a command may take for one label."""
DRAIN_LIMIT_S: Final = 60.0
"""How long the end of a gang waits for labels that are still to be printed."""
_NOT_IN_NAMES: Final = re.compile(r"[^\w.-]+")


@dataclass(frozen=True, slots=True)
class LabelTarget:
    """Where labels go.

    Args:
        way: ``tcp``, ``folder`` or ``command``.
        where: ``HOST:PORT``, the folder, or the command line.
    """

    way: Literal["tcp", "folder", "command"]
    where: str

    def __str__(self) -> str:
        return f"{self.way}:{self.where}"


def read_target(words: str) -> LabelTarget:
    """``tcp:HOST[:PORT]``, ``folder:PATH`` (or a path) or ``command:WORDS``.

    Raises:
        BadOption: none of them.
    """
    way, colon, where = words.partition(":")
    if colon and way == "tcp":
        host, _, port = (
            where.rpartition(":") if re.search(r":\d*$", where) and where.count(":") == 1 else (where, "", "")
        )
        port = port or str(PRINTER_PORT)
        if host.strip() and port.isdigit() and 0 < int(port) < 65536:
            return LabelTarget("tcp", f"{host}:{port}")
    elif colon and way == "command":
        if _words(where):
            return LabelTarget("command", where)
    elif words and not (colon and way == "folder" and not where):
        return LabelTarget("folder", where if colon and way == "folder" else words)
    reason = Text(
        "'{given}' is not tcp:HOST:9100, folder:PATH or command:WORDS",
        "“{given}” 应为 tcp:主机:9100、folder:目录 或 command:命令",
    )
    raise BadOption(name="--to", reason=reason, given=words)


def send(label: bytes, target: LabelTarget, name: str) -> None:
    """Hand a label over; it is out of our hands when this returns.

    Args:
        label: from :func:`~moduline.line.records.labels.render`.
        target: where to.
        name: file name in a folder.

    Raises:
        LabelFailed: it could not be handed over.
    """
    try:
        if target.way == "tcp":
            host, _, port = target.where.rpartition(":")
            with socket.create_connection((host, int(port)), LIMIT_S) as printer:
                printer.sendall(label)
                printer.shutdown(socket.SHUT_WR)
        elif target.way == "folder":
            folder = Path(target.where).expanduser()
            folder.mkdir(parents=True, exist_ok=True)
            part = folder / f".{name}.part"
            part.write_bytes(label)
            part.replace(folder / name)  # whoever watches the folder sees whole labels only
        else:
            done = subprocess.run(_words(target.where), input=label, capture_output=True, timeout=LIMIT_S, check=False)
            if done.returncode:
                said = done.stderr.decode(errors="replace").strip()[-200:]
                reason = Text("it ended with {status}: {said}", "退出码 {status}：{said}")
                raise LabelFailed(target=str(target), reason=reason, status=done.returncode, said=said)
    except (OSError, subprocess.SubprocessError) as failed:
        raise LabelFailed(target=str(target), reason=getattr(failed, "strerror", None) or str(failed)) from failed


def print_label(record: BurnRecord, template: LabelTemplate, target: LabelTarget) -> Remark:
    """Print the label of a unit; how it went, to be noted beside its record."""
    name = _NOT_IN_NAMES.sub("_", f"{record.imei or record.unit or 'unit'}-{record.id[:8]}") + SUFFIXES[template.kind]
    try:
        send(render(template, record, None), target, name)
    except ModulineError as failed:
        return Remark("label", time.time(), is_ok=False, detail=failed.message("en"))
    return Remark("label", time.time(), is_ok=True, detail=str(target))


class LabelHook:
    """Prints a label for every record that passed, beside the line; a context.

    Args:
        template: of the label.
        target: where labels go.
        keep: notes how it went beside the record: ``RecordStore.add_remark``.
        report: gets the Notice ``label.failed``.
    """

    def __init__(
        self,
        template: LabelTemplate,
        target: LabelTarget,
        keep: Callable[[str, Remark], None],
        report: Reporter = silent,
    ) -> None:
        self._template, self._target, self._keep, self._report = template, target, keep, report
        self._waiting: queue.SimpleQueue[BurnRecord | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._print_all, name="labels", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._waiting.put(None)
        self._thread.join(DRAIN_LIMIT_S)

    def finished(self, record: BurnRecord) -> None:
        """Take a finished record; returns at once."""
        if record.is_pass:
            self._waiting.put(record)

    def _print_all(self) -> None:
        while (record := self._waiting.get()) is not None:
            remark = print_label(record, self._template, self._target)
            try:
                self._keep(record.id, remark)
            except ModulineError as failed:
                self._tell(record, failed.message("en"))
            if not remark.is_ok:
                self._tell(record, remark.detail)

    def _tell(self, record: BurnRecord, reason: str) -> None:
        self._report(Notice("label.failed", where=record.slot, facts={"imei": record.imei, "reason": reason}))


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError:
        return []
