"""A fleet in words: a TOML of kinds and shares, as one frozen value.

::

    [fleet]
    seed = 7                        # same seed, same fleet
    time_scale = 10.0               # the devices' clock runs ten times as fast as ours
    arrival = "random"              # even, random or burst
    rate = 200.0                    # first contacts per second
    first_device = 860000000000001  # device keys count up from here

    [[kind]]
    name = "meter"
    share = 8                                # of all kinds' shares
    module_version = { V1 = 9, V2 = 1 }      # a text, or texts with shares; model likewise
    mcus = { mcu1 = "1.0" }
    battery = [20, 100]                      # spans are two numbers, or one
    flaky = 0.05

Every other key of a kind is a field of `Behaviour`. Pure: takes the bytes, opens nothing.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import Enum
from itertools import accumulate, product
from typing import Any, Final

from moduline.errors import BadFormat, Text
from moduline.fleet.behaviour import Answer, Behaviour
from moduline.fleet.dice import Dice

FORMAT: Final = "fleet description"
FIRST_DEVICE: Final = 860_000_000_000_001
LAST_DEVICE: Final = 999_999_999_999_999
_NUMBERS: Final = (int, float)


class Arrival(Enum):
    """When devices are switched on."""

    EVEN = "even"  # one after the other, at the rate
    RANDOM = "random"  # over the same time, at random
    BURST = "burst"  # all at once, as after a blackout


@dataclass(frozen=True, slots=True)
class FleetPlan:
    """What a fleet is made of.

    Attributes:
        kinds: (share, behaviour); shares are of their sum.
        seed: of all chance.
        time_scale: seconds of the devices in a real one.
        arrival: when devices are switched on.
        rate: first contacts per real second.
        first_device: device key of the first, a number; the others count up.
    """

    kinds: tuple[tuple[float, Behaviour], ...] = ((1.0, Behaviour()),)
    seed: int = 0
    time_scale: float = 1.0
    arrival: Arrival = Arrival.EVEN
    rate: float = 200.0
    first_device: int = FIRST_DEVICE

    def dk(self, number: int) -> str:
        """Device key of the device ``number``, counted from 0."""
        return f"{self.first_device + number:015}"

    def behaviour_of(self, dice: Dice) -> Behaviour:
        """The kind that chance gives to the owner of ``dice``."""
        sums = list(accumulate(share for share, _ in self.kinds))
        at = dice.share("kind") * sums[-1]
        return next((kind for end, (_, kind) in zip(sums, self.kinds, strict=True) if at < end), self.kinds[-1][1])

    def begin_s(self, number: int, count: int, dice: Dice) -> float:
        """Real seconds after which a device is switched on."""
        match self.arrival:
            case Arrival.EVEN:
                return number / self.rate
            case Arrival.RANDOM:
                return dice.share("arrival") * count / self.rate
            case Arrival.BURST:
                return 0.0


def read_description(data: bytes) -> FleetPlan:
    """The fleet that a TOML file describes.

    Raises:
        BadFormat: not TOML, an unknown key, or a value that cannot be.
    """
    try:
        raw: dict[str, Any] = tomllib.loads(data.decode("utf-8-sig"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise _bad(f"not TOML: {error}", f"不是 TOML：{error}") from error
    if unknown := sorted(raw.keys() - {"fleet", "kind"}):
        raise _bad(f"unknown key '{unknown[0]}'", f"未知键“{unknown[0]}”")
    head, listed = raw.get("fleet", {}), raw.get("kind", [{}])
    if not isinstance(head, dict) or not isinstance(listed, list) or not listed:
        raise _bad("[fleet] is a table, [[kind]] a list of tables", "[fleet] 应为表，[[kind]] 应为表的列表")
    kinds: list[tuple[float, Behaviour]] = []
    for nth, one in enumerate(listed, start=1):
        if not isinstance(one, dict):
            raise _bad("[[kind]] is a list of tables", "[[kind]] 应为表的列表")
        kinds += _kind(one, nth)
    if sum(share for share, _ in kinds) <= 0:
        raise _bad("all shares are 0", "所有 share 均为 0")
    return FleetPlan(tuple(kinds), **_head(head))


def _head(raw: Mapping[str, Any]) -> dict[str, Any]:
    limits: dict[str, tuple[float, float]] = {
        "seed": (-(2**63), 2**63),
        "time_scale": (0.01, 10_000),
        "rate": (0.01, 100_000),
        "first_device": (0, LAST_DEVICE),
    }
    values: dict[str, Any] = {}
    for key, value in raw.items():
        if key == "arrival":
            values[key] = _choice(Arrival, value, key)
        elif key in limits:
            whole = key in {"seed", "first_device"}
            if type(value) not in ((int,) if whole else _NUMBERS) or not limits[key][0] <= value <= limits[key][1]:
                raise _bad(f"fleet.{key} = {value}", f"fleet.{key} = {value}")
            values[key] = value
        else:
            raise _bad(f"unknown key 'fleet.{key}'", f"未知键“fleet.{key}”")
    return values


def _kind(raw: Mapping[str, Any], nth: int) -> list[tuple[float, Behaviour]]:
    """One [[kind]]; several behaviours if it has several models or versions."""
    share = raw.get("share", 1)
    if type(share) not in _NUMBERS or not 0 <= share <= 1e9:
        raise _bad(f"kind {nth}: share = {share}", f"第 {nth} 个 kind：share = {share}")
    values: dict[str, Any] = {"name": f"kind{nth}"}
    for key, value in raw.items():
        if key not in {"share", "model", "module_version"}:
            values[key] = _value(key, value, nth)
    models = _shares(raw.get("model", "EC600N"), "model", nth)
    versions = _shares(raw.get("module_version", "V1"), "module_version", nth)
    return [
        (share * part * other, Behaviour(**{**values, "model": model, "module_version": version}))
        for (model, part), (version, other) in product(models.items(), versions.items())
    ]


def _shares(value: Any, key: str, nth: int) -> dict[str, float]:
    """Texts with their shares, which come to 1."""
    table = {value: 1} if isinstance(value, str) else value
    is_right = isinstance(table, dict) and all(type(part) in _NUMBERS and part >= 0 for part in table.values())
    if not is_right or not sum(table.values()) or not all(0 < len(name.encode()) <= 64 for name in table):
        raise _bad(f"kind {nth}: {key} is a text, or a table of shares", f"第 {nth} 个 kind：{key} 应为文本或占比表")
    whole = sum(table.values())
    return {name: part / whole for name, part in table.items()}


_CHANCES: Final = frozenset(
    {
        "flaky",
        "digest_errors",
        "flash_refused",
        "boot_loops",
        "wrong_version",
        "power_loss",
        "flash_power_loss",
        "duplicates",
    }
)
_SPANS: Final[dict[str, tuple[float, float]]] = {"battery": (0, 100), "signal": (-200, 0)}
_TYPES: Final = {field.name: field.type for field in fields(Behaviour)}


def _value(key: str, value: Any, nth: int) -> Any:
    """A field of `Behaviour` out of its TOML value."""
    kind = _TYPES.get(key)
    is_number = type(value) in _NUMBERS
    match kind:
        case "Span":
            pair = value if isinstance(value, list) else [value, value]
            low, high = _SPANS.get(key, (0, 1e9))
            if len(pair) == 2 and all(type(one) in _NUMBERS for one in pair) and low <= pair[0] <= pair[1] <= high:
                return (pair[0], pair[1])
        case "float" if is_number and 0 <= value <= (1 if key in _CHANCES else 1e12):
            return float(value)
        case "int" if type(value) is int and 0 <= value < 2**40 and (key != "keep_alive_s" or 21 <= value <= 600):
            return value
        case "bool" if isinstance(value, bool):
            return value
        case "str" if isinstance(value, str):
            return value
        case "float | None" if value is False:
            return None
        case "float | None" if is_number and value >= 0:
            return float(value)
        case "Answer":
            return _choice(Answer, value, key)
        case "tuple[tuple[str, str], ...]" if isinstance(value, dict) and _are_mcus(value):
            return tuple(value.items())
        case None:
            raise _bad(f"kind {nth}: unknown key '{key}'", f"第 {nth} 个 kind：未知键“{key}”")
    raise _bad(f"kind {nth}: {key} = {value}", f"第 {nth} 个 kind：{key} = {value}")


def _are_mcus(value: Mapping[str, Any]) -> bool:
    texts = [*value.keys(), *value.values()]
    is_sayable = all(isinstance(one, str) and one and not set(one) & {":", ";"} for one in texts)
    return is_sayable and sum(len(one) + 1 for one in texts) <= 512


def _choice(options: type[Enum], value: Any, key: str) -> Any:
    try:
        return options(value)
    except ValueError as error:
        words = ", ".join(str(one.value) for one in options)
        raise _bad(f"{key} is one of {words}", f"{key} 应为 {words} 之一") from error


def _bad(en: str, zh: str) -> BadFormat:
    return BadFormat(format=FORMAT, reason=Text(en, zh), offset=0)
