"""An upgrade as JSON and back: all that columns of their own do not hold. Unknown members are ignored.

Every field has a default in ``upgrade``, so a row written by an older version is read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from types import MappingProxyType
from typing import Any, Final

from moduline.cloud.artifacts.rules import ComponentType
from moduline.cloud.plans.rules import Versions
from moduline.cloud.reasons import Reason
from moduline.cloud.upgrades.states import ComponentStatus
from moduline.cloud.upgrades.upgrade import ComponentState, Phase, Terms, UpgradeState, Wake, WakeKind

_TYPES: Final[Mapping[str, type]] = {
    "type": ComponentType,
    "status": ComponentStatus,
    "reason": Reason,
    "broken": Reason,
    "over": Reason,
    "phase": Phase,
    "kind": WakeKind,
}


def to_json(state: UpgradeState) -> dict[str, Any]:
    """Plain values only; what is at its default is left out."""
    found = _plain(state)
    found["components"] = [_plain(one) for one in state.components]
    found["terms"] = _plain(state.terms)
    found["versions"] = {"module": state.versions.module, "mcu": dict(state.versions.mcu)}
    found["wake"] = _plain(state.wake) if state.wake else None
    return found


def from_json(raw: Mapping[str, Any]) -> UpgradeState:
    """What ``to_json`` gave."""
    made = _made(UpgradeState, raw)
    versions = raw.get("versions") or {}
    made |= {
        "components": tuple(ComponentState(**_made(ComponentState, one)) for one in raw.get("components") or ()),
        "terms": Terms(**_made(Terms, raw.get("terms") or {})),
        "versions": Versions(versions.get("module"), MappingProxyType(dict(versions.get("mcu") or {}))),
        "wake": Wake(**_made(Wake, raw["wake"])) if raw.get("wake") else None,
    }
    return UpgradeState(**made)


_INNER: Final = frozenset({"components", "terms", "versions", "wake"})


_PLAIN: Final = frozenset({str, int, float, bool, type(None)})
_DEFAULTS: Final[Mapping[type, tuple[tuple[str, Any], ...]]] = {
    kind: tuple((one.name, one.default) for one in fields(kind) if one.name not in _INNER)
    for kind in (UpgradeState, ComponentState, Terms, Wake)
}


def _plain(value: Any) -> dict[str, Any]:
    """Fields of a dataclass that differ from their defaults, enumerations as their values."""
    found = {}
    for name, default in _DEFAULTS[type(value)]:
        content = getattr(value, name)
        if content != default:
            found[name] = content if type(content) in _PLAIN else content.value
    return found


def _made(kind: type, raw: Mapping[str, Any]) -> dict[str, Any]:
    made = {}
    for name, default in _DEFAULTS[kind]:
        value = raw.get(name, default)
        if value is not default:
            convert = _TYPES.get(name)
            made[name] = convert(value) if convert is not None and value is not None else value
    return made
