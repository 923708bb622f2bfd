"""The rack beside a Studio, asked in this process: a command of its own for every question would cost half a second."""

from __future__ import annotations

from typing import Any

from moduline.formats.littlefs import read_image
from moduline.port import registry
from moduline.testing.rack_setup import Setup, bring_up, free_numbers
from moduline.vmodule import rack_client
from moduline.vmodule.facts import identity_of


class StudioRack:
    """Modules that one test has for itself, in the rack of a Studio; ``MODULINE_HOME`` leads to it."""

    def __init__(self, name: str = "studio") -> None:
        self.name = name
        self._made: list[str] = []

    def modules(self) -> dict[str, dict[str, Any]]:
        """What the rack says of each module, by name."""
        return {one["name"]: one for one in rack_client.ask(self.name, "list")["modules"]}

    def next_name(self) -> str:
        """The name that the page gives to the next module; taken down with the others."""
        (number,) = free_numbers(list(self.modules().values()), 1)
        self._made.append(f"m{number}")
        return self._made[-1]

    def add(self, model: str, **how: Any) -> str:
        """The name of a new module."""
        (number,) = free_numbers(list(self.modules().values()), 1)
        (one,) = bring_up(self.name, Setup(model, is_fresh=True, **how), [number], "own")
        self._made.append(one["name"])
        return str(one["name"])

    def ask(self, do: str, name: str, **more: Any) -> dict[str, Any]:
        """A request about a module."""
        return rack_client.ask(self.name, do, name=name, **more)

    def firmware_erases(self, name: str) -> dict[str, int]:
        """How often boot code and firmware of a module were erased; scripts' areas go on changing by themselves."""
        places = self.ask("wear", name)["partitions"]
        return {one["role"]: one["erases"] for one in places if one["role"] in {"boot", "system", "modem"}}

    def files(self, name: str, role: str = "user_fs") -> dict[str, bytes | None]:
        """Files that lie in the flash of a module, by path."""
        one = self.modules()[name]
        identity = identity_of(one["module"], name, self.name, one["number"], one["slot"])
        partition = identity.profile.partition(role)
        assert partition is not None
        cells = (registry.rack_folder(self.name) / name / "flash.bin").read_bytes()
        start = identity.offset_of(partition)
        geometry = identity.profile.fs.geometry(partition.size_bytes)
        return dict(read_image(cells[start : start + partition.size_bytes], geometry.kind).entries)

    def close(self) -> None:
        """Take down what the test made."""
        for name in self._made:
            if name in self.modules():
                rack_client.take_down(self.name, name, is_deleting=True)
