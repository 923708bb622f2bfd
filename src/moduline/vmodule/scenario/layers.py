"""A TOML table in layers: defaults below, a module's own keys above; messages name the layer a value came from.

Tables are laid over each other key by key, at every depth; lists and plain values of a higher layer replace those of a
lower one. Whoever reads the result reads a ``Table`` like any other, and a wrong value in ``[defaults.radio]`` is
reported as ``defaults.radio.rssi``, not as a key of the module that inherited it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from moduline.profiles.schema import Table

Layer = tuple[Mapping[str, Any], str]
"""Values, and the dotted name of the table they stand in."""


class LayeredTable(Table):
    """Tables over each other, read as one.

    Args:
        layers: lowest first; at least one.
        path: name of the file, for messages.
    """

    def __init__(self, layers: Sequence[Layer], path: str) -> None:
        merged: dict[str, Any] = {}
        for values, _ in layers:
            merged |= values
        super().__init__(merged, path, layers[-1][1])
        self._layers = tuple(layers)

    def table(self, key: str) -> Table:
        """A table within this one, in the same layers."""
        super().table(key)
        inner: list[Layer] = []
        for values, prefix in self._layers:
            if key in values:
                name = f"{prefix}.{key}" if prefix else key
                if not isinstance(values[key], dict):
                    Table(values, self._path, prefix).table(key)
                inner.append((values[key], name))
        return LayeredTable(inner, self._path)

    def _name(self, key: str) -> str:
        holding = [prefix for values, prefix in self._layers if key in values]
        prefix = holding[-1] if holding else self._prefix
        return f"{prefix}.{key}" if prefix else key
