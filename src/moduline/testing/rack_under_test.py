"""Several virtual modules in one test, by name and in order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from moduline.testing.module_under_test import BOOT_LIMIT_S, ModuleUnderTest

Opener = Callable[[int], ModuleUnderTest]


class RackUnderTest(Mapping[str, ModuleUnderTest]):
    """Modules ``m1``, ``m2`` and so on; iterating gives the names, as with any mapping.

    Args:
        open_module: opens the module with that number.
    """

    def __init__(self, open_module: Opener) -> None:
        self._open_module = open_module
        self._modules: dict[str, ModuleUnderTest] = {}

    def add(self, count: int = 1) -> list[ModuleUnderTest]:
        """More modules, without power."""
        added = [self._open_module(len(self._modules) + number) for number in range(1, count + 1)]
        self._modules.update((one.name, one) for one in added)
        return added

    def take(self, module: ModuleUnderTest) -> None:
        """A module that was opened elsewhere is one of the rack's."""
        self._modules[module.name] = module

    def start(self, timeout: float = BOOT_LIMIT_S, *, runs_main: bool = True) -> None:
        """Give every module power.

        Raises:
            NoAnswer: one did not boot.
        """
        for module in self._modules.values():
            module.start(timeout, runs_main=runs_main)

    def power_off(self) -> None:
        """Take the power of every module."""
        for module in self._modules.values():
            module.power_off()

    def __getitem__(self, name: str) -> ModuleUnderTest:
        return self._modules[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __len__(self) -> int:
        return len(self._modules)
