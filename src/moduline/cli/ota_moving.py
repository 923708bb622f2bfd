"""``ota device import`` of a fleet that comes from another platform, with its device secrets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from moduline.cli.disk import read_file
from moduline.cli.ota_client import OtaClient
from moduline.cli.ota_finding import find_product
from moduline.cli.output import note, print_facts
from moduline.errors import BadField, BadOption, ModulineError, Text

if TYPE_CHECKING:
    from moduline.cloud.devices.fleet_list import FleetList

LINE: Final = "line"
"""The CSV of the production line."""
FORMS: Final = (LINE, "csv", "jsonl")
BLOCK: Final = 1000
"""Devices of one call, which is one transaction."""
SHOWN: Final = 20
"""Faults that are shown one by one; all of them are in the error's facts."""


def form_of(file: Path, given: str) -> str:
    """What a file is: as the user says, or as it looks.

    Raises:
        BadOption: the user says something unknown.
        NoSuchFile, StorageFailed: it cannot be read.
    """
    from moduline.cloud.devices import fleet_list

    if given and given not in FORMS:
        raise BadOption(name="--format", reason=Text("one of {known}", "须为 {known} 之一"), known=", ".join(FORMS))
    if given:
        return given
    text = read_text(file)
    if file.suffix.lower() in {".jsonl", ".ndjson"} or text.lstrip("\ufeff \r\n").startswith("{"):
        return "jsonl"
    return "csv" if fleet_list.is_table(text) else LINE


def read_text(file: Path) -> str:
    """A table as text: UTF-8, or as Chinese spreadsheets write it.

    Raises:
        NoSuchFile, StorageFailed: it cannot be read.
    """
    data = read_file(file)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("gb18030", "replace")


def import_fleet(
    client: OtaClient, product: str, file: Path, form: str, *, skips: bool, dry_run: bool, as_json: bool
) -> None:
    """Import a list of devices block by block; what was done is told, whatever happens then.

    Args:
        client: of the platform.
        product: name, key or number.
        file: the list.
        form: csv or jsonl.
        skips: go on without the lines that cannot be; else one of them stops all before anything is sent.
        dry_run: only look.
        as_json: print the result as JSON; never a secret.

    Raises:
        BadField: lines cannot be.
    """
    from moduline.cloud.devices import fleet_list

    text = read_text(file)
    found = fleet_list.from_jsonl(text) if form == "jsonl" else fleet_list.from_csv(text)
    _tell_faults(found, file)
    if found.faults and not skips:
        raise _refused(found, file)
    of = find_product(client, product)
    done = {"new": 0, "known": 0, "secrets": 0, "kept": 0}
    devices = [asdict(one) for one in found.newcomers]
    if not dry_run:
        _send(client, of["id"], devices, done)
    told = {"product": of["name"], "devices": len(devices), "with_secret": sum(bool(one["ds"]) for one in devices)}
    told |= {"new": done["new"], "known": done["known"], "secrets_set": done["secrets"], "secrets_kept": done["kept"]}
    print_facts(told | {"faulty": len(found.faults), "is_done": not dry_run}, as_json=as_json)


def _send(client: OtaClient, product: int, devices: Sequence[dict[str, Any]], done: dict[str, int]) -> None:
    for begin in range(0, len(devices), BLOCK):
        try:
            said = client.post("/v1/devices/adopt", {"product": product, "devices": devices[begin : begin + BLOCK]})
        except ModulineError:
            note(
                "stopped: the first {done} of {all} devices are in, of the next {block} all or none; "
                "the same command may be given again",
                "已中断：前 {done}/{all} 台已导入，其后 {block} 台要么全部导入要么全部未导入；可重新执行同一命令",
                done=begin,
                all=len(devices),
                block=len(devices[begin : begin + BLOCK]),
            )
            raise
        for name in done:
            done[name] += said[name]


def _tell_faults(found: FleetList, file: Path) -> None:
    for one in found.faults[:SHOWN]:
        note(
            "{file}, line {line}: {field}: {reason}",
            "{file} 第 {line} 行：{field}：{reason}",
            file=file.name,
            line=one.line,
            field=one.field,
            reason=one.reason,
        )
    if len(found.faults) > SHOWN:
        note("... and {count} more", "……另有 {count} 行", count=len(found.faults) - SHOWN)
    if found.ignored:
        note("columns without a meaning here: {names}", "已忽略的列：{names}", names=", ".join(found.ignored))


def _refused(found: FleetList, file: Path) -> BadField:
    """The error that stands for all lines that cannot be."""
    first = found.faults[0]
    reason = Text(
        "{first}; {count} lines cannot be, nothing was imported; mend them or give --skip-faulty",
        "{first}；共 {count} 行有误，未导入任何设备；请更正，或使用 --skip-faulty",
    )
    lines = [{"line": one.line, "field": one.field, "reason": str(one.reason)} for one in found.faults]
    field = f"{file.name}:{first.line}:{first.field}"
    return BadField(field=field, reason=reason, first=first.reason, count=len(lines), lines=lines)
