"""An upgrade as JSON and back: all that columns of their own do not hold. Unknown members are ignored.

Every field has a default in ``upgrade``, so a row written by an older version is read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from functools import lru_cache
from operator import attrgetter
from types import MappingProxyType
from typing import Any, Final

from moduline.cloud.artifacts.rules import ComponentType
from moduline.cloud.plans.rules import Versions
from moduline.cloud.reasons import Reason
from moduline.cloud.upgrades.states import ComponentStatus
from moduline.cloud.upgrades.upgrade import ComponentState, Phase, Terms, UpgradeState, Wake, WakeKind

_TYPES: Final[Mapping[str, Callable[[Any], Any]]] = {
    name: {one.value: one for one in kind}.__getitem__
    for name, kind in (
        ("type", ComponentType),
        ("status", ComponentStatus),
        ("reason", Reason),
        ("broken", Reason),
        ("over", Reason),
        ("phase", Phase),
        ("kind", WakeKind),
    )
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
    versions = raw.get("versions") or {}
    wake = raw.get("wake")
    return UpgradeState(
        **_made(UpgradeState, raw),
        components=tuple([ComponentState(**_made(ComponentState, one)) for one in raw.get("components") or ()]),
        terms=_terms(tuple((raw.get("terms") or {}).items())),
        versions=Versions(versions.get("module"), MappingProxyType(dict(versions.get("mcu") or {}))),
        wake=Wake(**_made(Wake, wake)) if wake else None,
    )


@lru_cache(maxsize=256)
def _terms(raw: tuple[tuple[str, Any], ...]) -> Terms:
    """The terms of a plan: thousands of its upgrades have the same."""
    return Terms(**_made(Terms, dict(raw)))


_INNER: Final = frozenset({"components", "terms", "versions", "wake"})
_PLAIN: Final = frozenset({str, int, float, bool, type(None)})
_SHAPES: Final[Mapping[type, tuple[Callable[[Any], tuple[Any, ...]], tuple[tuple[str, Any], ...]]]] = {
    kind: (
        attrgetter(*(one.name for one in fields(kind) if one.name not in _INNER)),
        tuple((one.name, one.default) for one in fields(kind) if one.name not in _INNER),
    )
    for kind in (UpgradeState, ComponentState, Terms, Wake)
}
"""How all fields of a kind are had at once, and their names and defaults in the same order."""
_CONVERTS: Final[Mapping[type, Mapping[str, Callable[[Any], Any] | None]]] = {
    kind: {name: _TYPES.get(name) for name, _ in shape} for kind, (_, shape) in _SHAPES.items()
}


def _plain(value: Any) -> dict[str, Any]:
    """Fields of a dataclass that differ from their defaults, enumerations as their values."""
    read, shape = _SHAPES[type(value)]
    found = {}
    for content, (name, default) in zip(read(value), shape, strict=True):
        if content is not default and content != default:
            found[name] = content if type(content) in _PLAIN else content._value_
    return found


def _made(kind: type, raw: Mapping[str, Any]) -> dict[str, Any]:
    converts = _CONVERTS[kind]
    made = {}
    for name, value in raw.items():
        if name in converts:
            convert = converts[name]
            made[name] = value if convert is None or value is None else convert(value)
    return made
