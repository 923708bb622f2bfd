"""A work order: so many units, each with exactly these bytes.

::

    <home>/orders/A-17.toml
        id = "A-17"
        created = "2026-03-01T08:00:00+00:00"
        closed = ""
        count = 500                     units that are wanted; 0: no end
        model = "EC600U"                refuses every other module; empty: what the package says
        file = "/packages/QUEC_TEST_1.0.0.zip"
        sha256 = "9f86d0..."            of the package; recipe and units file likewise
        [retries]                       tries by itself per cause, in place of the table's
        port = 3

An order is made once and never changed, but for being closed. The lock is the file itself, made so that of two
stations that begin the same order at the same moment one makes it and the other obeys it.
"""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from moduline.burn.record import BurnRecord
from moduline.digest import sha256_hex
from moduline.errors import BadOption, BadRecipe, OrderExists, OrderLocked, OrderOver, StorageFailed, Text, UnknownOrder
from moduline.line.retry import checked_retries
from moduline.port import registry

LONGEST_ID: Final = 80
MOST_UNITS: Final = 10_000_000
SHOWN_DIGITS: Final = 12
_HASH: Final = re.compile(r"[0-9a-f]{64}")
_PARTS: Final = {
    "sha256": ("file", Text("the package", "固件包")),
    "recipe_sha256": ("recipe", Text("the recipe", "检测配方")),
    "units_sha256": ("units", Text("the units file", "单机数据表")),
}


@dataclass(frozen=True, slots=True)
class WorkOrder:
    """One work order.

    Args:
        id: its name.
        sha256: of the package file.
        file: where the package lay when the order was made.
        count: units that are wanted; 0: no end.
        model: what the units are; empty: what the package says.
        recipe: file of the functional test; empty: none.
        recipe_sha256: of that file.
        units: file with the data of each unit; empty: none.
        units_sha256: of that file.
        retries: tries by itself per cause; see ``line.retry``.
        created: when it was made, ISO 8601 with zone.
        closed: when it was closed; empty while it is open.
    """

    id: str
    sha256: str
    file: str = ""
    count: int = 0
    model: str = ""
    recipe: str = ""
    recipe_sha256: str = ""
    units: str = ""
    units_sha256: str = ""
    retries: Mapping[str, int] = field(default_factory=dict)
    created: str = ""
    closed: str = ""

    @property
    def is_closed(self) -> bool:
        """Whether it takes no further unit because somebody said so."""
        return bool(self.closed)

    def as_json(self) -> dict[str, Any]:
        """The order as one JSON object."""
        return {one.name: getattr(self, one.name) for one in fields(self)} | {"retries": dict(self.retries)}

    def has_same_content(self, other: WorkOrder) -> bool:
        """Whether both mean the same work, wherever the files lie and whenever they were made."""
        return all(
            getattr(self, one.name) == getattr(other, one.name)
            for one in fields(self)
            if one.name not in {"file", "recipe", "units", "created", "closed"}
        )


@dataclass(frozen=True, slots=True)
class OrderState:
    """How far an order is.

    Args:
        passed: units that passed.
        units: units that had a try.
        tries: of all units.
        left: units that are still wanted; None without a count.
    """

    passed: int
    units: int
    tries: int
    left: int | None

    @property
    def is_full(self) -> bool:
        """Whether no further unit is wanted."""
        return self.left == 0


def new_order(
    name: str,
    package: tuple[Path, bytes],
    *,
    count: int = 0,
    model: str = "",
    recipe: tuple[Path, bytes] | None = None,
    units: tuple[Path, bytes] | None = None,
    retries: Mapping[str, int] | None = None,
) -> WorkOrder:
    """The value of an order; nothing is written yet.

    Args:
        name: of the order.
        package: path and bytes.
        count: units that are wanted; 0: no end.
        model: what the units are.
        recipe: path and bytes.
        units: path and bytes.
        retries: tries by itself per cause.

    Raises:
        BadOption: a name or a number that cannot be meant.
    """
    check_name(name)
    if not 0 <= count <= MOST_UNITS:
        raise BadOption(name="--count", reason=Text("0 to {most}", "应为 0 至 {most}"), most=MOST_UNITS)
    return WorkOrder(
        id=name,
        sha256=sha256_hex(package[1]),
        file=str(package[0].absolute()),
        count=count,
        model=model,
        recipe=str(recipe[0].absolute()) if recipe else "",
        recipe_sha256=sha256_hex(recipe[1]) if recipe else "",
        units=str(units[0].absolute()) if units else "",
        units_sha256=sha256_hex(units[1]) if units else "",
        retries=checked_retries(retries or {}),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def check_name(name: str) -> None:
    """See that an order may be called so.

    Raises:
        BadOption: empty, too long, or with characters nobody sees.
    """
    if not name.strip() or len(name) > LONGEST_ID or not name.isprintable():
        reason = Text("1 to {most} visible characters", "应为 1 至 {most} 个可见字符")
        raise BadOption(name="ID", reason=reason, most=LONGEST_ID)


def orders_folder() -> Path:
    """Where the orders lie."""
    return registry.home() / "orders"


def order_path(name: str) -> Path:
    """The file of an order; two names never share one."""
    plain = re.sub(r"[^\w.-]+", "_", name).lstrip(".")
    if plain != name:
        plain = f"{plain}-{sha256_hex(name.encode())[:8]}"
    return orders_folder() / f"{plain}.toml"


def lock_order(order: WorkOrder) -> WorkOrder:
    """Make the order's file; the order that counts from now on: this one, or the same one made before.

    Raises:
        OrderExists: one of that name with other content is there.
        StorageFailed: the file cannot be written.
    """
    path = order_path(order.id)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = _write_aside(path, order)
        try:
            _place_new(fresh, path)
        finally:
            fresh.unlink(missing_ok=True)
    except FileExistsError as cause:
        known = read_order(order.id)
        if not known.has_same_content(order):
            raise OrderExists(order=order.id) from cause
        return known
    except OSError as cause:
        raise _storage_failed(path, cause) from cause
    return order


def close_order(name: str) -> WorkOrder:
    """The order, closed; a closed one stays as it is.

    Raises:
        UnknownOrder: there is none.
        StorageFailed: the file cannot be written.
    """
    order = read_order(name)
    if order.is_closed:
        return order
    closed = replace(order, closed=datetime.now(UTC).isoformat(timespec="seconds"))
    path = order_path(name)
    try:
        _write_aside(path, closed).replace(path)
    except OSError as cause:
        raise _storage_failed(path, cause) from cause
    return closed


def read_order(name: str) -> WorkOrder:
    """The order of that name.

    Raises:
        BadOption: a name no order can have.
        UnknownOrder: there is none.
        BadRecipe: its file is not what this program writes.
        StorageFailed: its file cannot be read.
    """
    check_name(name)
    path = order_path(name)
    try:
        data = path.read_bytes()
    except FileNotFoundError as cause:
        raise UnknownOrder(order=name) from cause
    except OSError as cause:
        raise _storage_failed(path, cause) from cause
    return parse_order(data, str(path))


def order_stamp(name: str) -> int:
    """Something that changes when the order's file does; 0 while there is none."""
    try:
        return order_path(name).stat().st_mtime_ns
    except OSError:
        return 0


def all_orders() -> list[WorkOrder]:
    """Every order, by the time it was made.

    Raises:
        BadRecipe, StorageFailed: as :func:`read_order`.
    """
    found = []
    for path in sorted(orders_folder().glob("*.toml")):
        try:
            found.append(parse_order(path.read_bytes(), str(path)))
        except OSError as cause:
            raise _storage_failed(path, cause) from cause
    return sorted(found, key=lambda order: (order.created, order.id))


def parse_order(data: bytes, path: str = "") -> WorkOrder:
    """The order in the bytes of a file.

    Raises:
        BadRecipe: it is none.
    """
    try:
        raw: dict[str, Any] = tomllib.loads(data.decode())
    except (ValueError, RecursionError) as cause:
        raise BadRecipe(path=path, key="order", reason=str(cause)) from cause
    wanted: dict[str, type] = {one.name: str for one in fields(WorkOrder)} | {"count": int, "retries": dict}
    for name, value in raw.items():
        if name not in wanted or type(value) is not wanted[name]:
            raise BadRecipe(path=path, key=name, reason=Text("not known, or of the wrong kind", "未知或类型错误"))
    for name in ("id", "sha256"):
        if not raw.get(name):
            raise BadRecipe(path=path, key=name, reason=Text("missing", "缺失"))
    for name in _PARTS:
        if raw.get(name) and not _HASH.fullmatch(raw[name]):
            raise BadRecipe(path=path, key=name, reason=Text("not a SHA-256", "不是 SHA-256"))
    try:
        retries = checked_retries(raw.get("retries", {}))
    except BadOption as cause:
        raise BadRecipe(path=path, key="retries", reason=cause.message("en")) from cause
    return WorkOrder(**raw | {"retries": retries})


def format_order(order: WorkOrder) -> bytes:
    """The bytes of the order's file."""
    rows = [(name, value) for name, value in order.as_json().items() if name != "retries"]
    lines = [f"{name} = {_toml(value)}\n" for name, value in rows if value not in {"", 0} or name == "count"]
    if order.retries:
        lines += ["\n[retries]\n", *(f"{name} = {count}\n" for name, count in order.retries.items())]
    return "".join(lines).encode()


def state_of(order: WorkOrder, records: Iterable[BurnRecord]) -> OrderState:
    """How far the order is; tries with other bytes count for nothing."""
    own = [record for record in records if record.sha256 == order.sha256]
    passed = {record.imei or record.id for record in own if record.is_pass}
    units = {record.imei or record.place for record in own}
    left = max(0, order.count - len(passed)) if order.count else None
    return OrderState(passed=len(passed), units=len(units), tries=len(own), left=left)


def check_bytes(order: WorkOrder, part: str, path: str, data: bytes) -> None:
    """See that a file is the one the order was made with.

    Args:
        order: which.
        part: ``sha256`` (package), ``recipe_sha256`` or ``units_sha256``.
        path: of the file, for the message.
        data: its bytes.

    Raises:
        OrderLocked: it is another one.
    """
    found, expected = sha256_hex(data), str(getattr(order, part))
    if found != expected:
        shown = expected[:SHOWN_DIGITS] or "-"
        what = _PARTS[part][1]
        raise OrderLocked(order=order.id, what=what, expected=shown, path=path, found=found[:SHOWN_DIGITS])


def check_open(order: WorkOrder, state: OrderState) -> None:
    """See that the order takes further units.

    Raises:
        OrderOver: it is closed or full.
    """
    if order.is_closed:
        raise OrderOver(order=order.id, reason=Text("it was closed {at}", "已于 {at} 关闭"), at=order.closed)
    if state.is_full:
        raise OrderOver(
            order=order.id, reason=Text("all {count} units have passed", "{count} 个模组已全部通过"), count=order.count
        )


def _toml(value: str | int) -> str:
    """A value as TOML writes it; its strings are JSON's, but for DEL."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")


def _write_aside(path: Path, order: WorkOrder) -> Path:
    """A file beside ``path`` with the order in it, durable."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    with fresh.open("wb") as file:
        file.write(format_order(order))
        file.flush()
        os.fsync(file.fileno())
    return fresh


def _place_new(fresh: Path, path: Path) -> None:
    """Give the file its name, unless something of that name is there (FileExistsError); never shows half of one."""
    try:
        os.link(fresh, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        with path.open("xb"):
            fresh.replace(path)


def _storage_failed(path: Path, cause: OSError) -> StorageFailed:
    return StorageFailed(path=str(path), reason=cause.strerror or Text("cannot be used", "无法使用"))
