"""What the plan wizard has been told so far, as a value: from the fields of a form to the words of the API and back.

Numbers that were left empty are left out, so that the platform's own defaults count; lists of devices are what people
paste: one key a line, or a table whose first column (or the one called ``dk``) has the keys.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime, timedelta
from typing import Any, Final

from moduline.cloud.plans.plan import Stage, Strategy
from moduline.cloud.plans.zone import check_zone, local_of

STEPS: Final = ("basics", "packages", "scope", "window", "strategy", "groups", "review")
"""Steps in the order of the developer centre: what, to whom, when, how."""
LENGTH: Final = timedelta(days=30)
"""So long a plan lasts when nobody says."""
ZONE: Final = "Asia/Shanghai"
_STRATEGY_STEP: Final = frozenset(
    {
        "min_battery", "min_signal_dbm", "disk_bytes", "negotiation_delay_s", "retries", "retry_interval_min",
        "timeout_min", "holds_on_status",
    }
)  # fmt: skip
_PLACES: Final = (
    ("basics", ("name", "product")),
    ("packages", ("components",)),
    ("scope", ("white", "black", "filter")),
    ("window", ("zone", "start", "end", "windows", "is_windows_strict")),
    ("strategy", ("is_silent", "texts")),
)
_DK_HEADS: Final = frozenset({"dk", "device key", "device_key", "imei", "设备密钥", "设备标识"})
_BETWEEN: Final = re.compile(r"[\s,;，；、\ufeff]+")


@dataclass(slots=True)
class PlanForm:
    """All fields of the wizard.

    Args:
        name: of the plan.
        product: its number; 0: none chosen.
        components: identifier and releases each; a release has ``artifact`` (0: none) and ``needs`` (versions as text).
        is_white: whether only devices of the white list are upgraded.
        white: keys, as they were typed or pasted.
        black: likewise.
        filter: as in the platform's filter language.
        zone: IANA name.
        start: ``YYYY-MM-DDTHH:MM`` of the zone.
        end: likewise.
        windows: whole hours from and to.
        is_windows_strict: whether requests of devices wait for the windows, too.
        is_silent: whether no user is asked.
        texts: by language, for the user.
        strategy: values that differ from the platform's, ``stages`` too.
        revision: of the draft that it was read from; 0: it is a new one.
    """

    name: str = ""
    product: int = 0
    components: list[dict[str, Any]] = field(default_factory=list)
    is_white: bool = False
    white: str = ""
    black: str = ""
    filter: str = ""
    zone: str = ZONE
    start: str = ""
    end: str = ""
    windows: list[list[int]] = field(default_factory=list)
    is_windows_strict: bool = False
    is_silent: bool = True
    texts: dict[str, str] = field(default_factory=dict)
    strategy: dict[str, Any] = field(default_factory=dict)
    revision: int = 0

    def body(self) -> dict[str, Any]:
        """What the API is told."""
        components = [
            {
                "component": str(one.get("component", "")).strip(),
                "releases": [
                    {"artifact": each["artifact"], "needs": keys(str(each.get("needs", "")))}
                    for each in one["releases"]
                    if each.get("artifact")
                ],
            }
            for one in self.components
        ]
        return {
            "name": self.name.strip(),
            "product": self.product,
            "zone": self.zone,
            "start": self.start,
            "end": self.end,
            "components": [one for one in components if one["releases"]],
            "white": keys(self.white) if self.is_white else None,
            "black": keys(self.black),
            "filter": self.filter.strip(),
            "windows": self.windows,
            "is_windows_strict": self.is_windows_strict,
            "is_silent": self.is_silent,
            "texts": {} if self.is_silent else {lang: text for lang, text in self.texts.items() if text.strip()},
            "strategy": {name: value for name, value in self.strategy.items() if value not in (None, [])},
        }

    def without_packages(self) -> list[int]:
        """Components, by their place, for which no package is chosen."""
        return [at for at, one in enumerate(self.components) if not any(each["artifact"] for each in one["releases"])]

    def value(self, name: str) -> Any:
        """A value of the strategy, the platform's default where none was given."""
        return self.strategy[name] if self.strategy.get(name) is not None else DEFAULTS[name]


DEFAULTS: Final[Mapping[str, Any]] = asdict(Strategy())
STAGE: Final[Mapping[str, Any]] = asdict(Stage(100.0))
_FIELDS: Final = {one.name for one in fields(PlanForm)}


def new_form(now: float, zone: str = ZONE) -> PlanForm:
    """An empty form whose plan would begin now.

    Args:
        now: UTC seconds.
        zone: of the plan; another one than IANA knows is not taken.
    """
    zone = ZONE if check_zone(zone) else zone
    begin = local_of(now, zone).replace(tzinfo=None, second=0, microsecond=0)
    made = PlanForm(zone=zone, start=_local(begin), end=_local(begin + LENGTH))
    made.components.append(new_component("mod"))
    return made


def new_component(name: str = "") -> dict[str, Any]:
    """A component without a package."""
    return {"component": name, "releases": [new_release()]}


def new_release() -> dict[str, Any]:
    """A package that is not chosen yet."""
    return {"artifact": 0, "needs": ""}


def of_plan(plan: Mapping[str, Any]) -> PlanForm:
    """The form of a draft, from what the API shows of it."""
    components = [
        {
            "component": one["component"],
            "releases": [{"artifact": each["artifact"], "needs": ", ".join(each["needs"])} for each in one["releases"]],
        }
        for one in plan["components"]
    ]
    known = {name: value for name, value in plan["strategy"].items() if name in DEFAULTS and value != DEFAULTS[name]}
    return PlanForm(
        name=plan["name"],
        product=plan["product"],
        components=components,
        is_white=plan["has_white_list"],
        white="\n".join(plan["white"]),
        black="\n".join(plan["black"]),
        filter=plan["filter"],
        zone=plan["zone"],
        start=plan["start"].replace(" ", "T"),
        end=plan["end"].replace(" ", "T"),
        windows=[list(one) for one in plan["windows"]],
        is_windows_strict=plan["is_windows_strict"],
        is_silent=plan["is_silent"],
        texts=dict(plan["texts"]),
        strategy={name: list(value) if isinstance(value, tuple) else value for name, value in known.items()},
        revision=plan["revision"],
    )


def from_json(raw: Mapping[str, Any]) -> PlanForm:
    """A form as it was kept; members of other versions are passed over.

    Raises:
        ValueError: it is none.
    """
    known = {name: value for name, value in raw.items() if name in _FIELDS}
    plain = PlanForm()
    for name, value in known.items():
        if type(value) is not type(getattr(plain, name)):
            raise ValueError(name)
    parts: list[Any] = list(known.get("components", []))
    if not all(isinstance(one, dict) and isinstance(one.get("releases"), list) for one in parts):
        raise ValueError("components")
    return PlanForm(**known)


def keys(given: str) -> list[str]:
    """Device keys (or versions) in a text that somebody typed or pasted; each once, in their order."""
    return list(dict.fromkeys(one for one in _BETWEEN.split(given) if one))


def keys_of_table(data: bytes) -> list[str]:
    """Device keys of a CSV table: of the column that says so in its head, else of the first.

    Args:
        data: UTF-8, with or without its mark; what is not is replaced.
    """
    text = data.decode("utf-8-sig", "replace")
    first = text.split("\n", 1)[0]
    between = max(",;\t", key=first.count)
    rows = [row for row in csv.reader(io.StringIO(text), delimiter=between) if any(cell.strip() for cell in row)]
    if not rows:
        return []
    heads = [cell.strip().lower() for cell in rows[0]]
    place = next((at for at, head in enumerate(heads) if head in _DK_HEADS), None)
    body: Iterable[list[str]] = rows if place is None else rows[1:]
    found = (row[place or 0].strip().lstrip("'") for row in body if len(row) > (place or 0))
    return list(dict.fromkeys(one for one in found if one))


def whole(value: Any) -> Any:
    """A number of an input field as the API takes it: whole where it is; None where there is none."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return int(value) if value == int(value) else value


def step_of(name: str) -> str:
    """The step in which a field of the API stands; ``review`` for what stands in none."""
    for step, fields_of_step in _PLACES:
        if name.split(".", maxsplit=1)[0].split("[", maxsplit=1)[0] in fields_of_step:
            return step
    head, _, tail = name.partition(".")
    if head != "strategy":
        return "review"
    return "strategy" if tail in _STRATEGY_STEP else "groups"


def _local(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M")
