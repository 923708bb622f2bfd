"""What a station is set up for, as a value, and where that is remembered: one small file for all stations."""

from __future__ import annotations

import json
import threading
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path, PurePosixPath
from typing import Any, Final

from moduline.errors import BadOption, StorageFailed, Text
from moduline.line.records.labels import LabelTemplate, read_template
from moduline.line.records.printing import LabelTarget, read_target
from moduline.web import host_files
from moduline.web.site import site

FIRST: Final = "1"
"""What a station is called as long as nobody named it."""
LONGEST: Final = 80
MOST_UNITS: Final = 10_000_000
_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class StationSetup:
    """What a station makes.

    Args:
        station: its name.
        operator: who works there.
        order: work order; "": none.
        package: path below the root; "": the order's.
        rack: whose modules; "": all that are connected.
        is_auto: wait for modules until somebody stops it.
        count: units that an order wants which begins here; 0: no end.
        recipe: file of the functional test, below the root; "": the order's, or none.
        units: file with the data of each unit, below the root; "": the order's, or none.
        label: template of a label for each PASS, below the root; "": none.
        label_to: where labels go: ``tcp:HOST:9100`` or ``folder:PATH`` below the root.
        is_again: burn units that have passed already, too.
    """

    station: str = FIRST
    operator: str = ""
    order: str = ""
    package: str = ""
    rack: str = ""
    is_auto: bool = True
    count: int = 0
    recipe: str = ""
    units: str = ""
    label: str = ""
    label_to: str = ""
    is_again: bool = False

    @property
    def package_name(self) -> str:
        """Last part of the path of the package."""
        return PurePosixPath(self.package).name


def checked(setup: StationSetup) -> StationSetup:
    """The same with blanks around words gone.

    Raises:
        BadOption: a word or number that cannot be meant.
    """
    words = {one.name: getattr(setup, one.name).strip() for one in fields(setup) if one.type in {"str", str}}
    for name, word in words.items():
        if (len(word) > LONGEST and name in {"station", "operator", "order"}) or not (word or " ").isprintable():
            reason = Text("at most {most} visible characters", "最多 {most} 个可见字符")
            raise BadOption(name=name, reason=reason, most=LONGEST)
    if not words["station"]:
        raise BadOption(name="station", reason=Text("a station has a name", "请填写工位名称"))
    if not 0 <= setup.count <= MOST_UNITS:
        raise BadOption(name="count", reason=Text("0 to {most}", "应为 0 至 {most}"), most=MOST_UNITS)
    return replace(setup, **words)


def label_of(setup: StationSetup) -> tuple[LabelTemplate, LabelTarget] | None:
    """What is printed for each unit that passed, and where; None: nothing.

    Raises:
        BadOption: one without the other, it cannot be meant, or a command, which pages may not name.
        NoSuchFile: the template cannot be read.
    """
    if not setup.label and not setup.label_to:
        return None
    if not setup.label or not setup.label_to:
        raise BadOption(name="label", reason=Text("a label needs a template and a target", "标签需要模板和去向"))
    target = read_target(setup.label_to)
    if target.way == "command":
        reason = Text("pages print to tcp:HOST:9100 or folder:PATH", "页面仅支持 tcp:主机:9100 或 folder:目录")
        raise BadOption(name="label", reason=reason)
    if target.way == "folder":
        target = LabelTarget("folder", str(host_files.resolve(target.where)))
    return read_template(host_files.read(setup.label)), target


def remembered(station: str = "") -> StationSetup:
    """The set-up of a station; "": of the one that was set up last."""
    kept = _kept()
    name = station or kept.get("last", FIRST)
    known = kept["stations"].get(name)
    return known if known is not None else StationSetup(station=name)


def stations() -> list[str]:
    """Names of the stations that were ever set up."""
    return sorted(_kept()["stations"])


def remember(setup: StationSetup) -> None:
    """Keep the set-up of a station.

    Raises:
        StorageFailed: it cannot be written.
    """
    with _lock:
        kept = _kept()
        known: dict[str, StationSetup] = kept["stations"] | {setup.station: setup}
        facts = {"last": setup.station, "stations": {name: asdict(one) for name, one in known.items()}}
        path = _path()
        part = path.with_suffix(".part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            part.write_text(json.dumps(facts, ensure_ascii=False), "utf-8")
            part.replace(path)
        except OSError as cause:
            raise StorageFailed(path=str(path), reason=cause.strerror or str(cause)) from cause


def read_setup(raw: Any) -> StationSetup | None:
    """A set-up from a file; None when it is none, whatever else it is."""
    if not isinstance(raw, dict):
        return None
    kinds = {one.name: type(getattr(StationSetup(), one.name)) for one in fields(StationSetup)}
    facts = {name: value for name, value in raw.items() if name in kinds and type(value) is kinds[name]}
    try:
        return checked(StationSetup(**facts))
    except BadOption:
        return None


def _kept() -> dict[str, Any]:
    try:
        raw = json.loads(_path().read_bytes())
    except (OSError, ValueError, RecursionError):
        raw = {}
    raw = raw if isinstance(raw, dict) else {}
    listed = raw.get("stations")
    listed = listed if isinstance(listed, dict) else {}
    found = {name: made for name, one in listed.items() if (made := read_setup(one)) is not None}
    last = raw.get("last")
    return {"last": last if isinstance(last, str) and last in found else FIRST, "stations": found}


def _path() -> Path:
    return site().data / "line" / "stations.json"
