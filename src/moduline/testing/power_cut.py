"""Power cuts for tests: at flash operation N, torn inside one, at every operation of a block, at random moments.

The block is run once whole to count its flash operations. Then, for each of them: the flash is put back to what it was,
the block runs again and is cut there, and the module is powered up again for the test to look at. What fails names a
word such as ``cut@17`` or ``tear@17:5``, and ``power_cut.at(word, block)`` does exactly that one again.

Source: style-anchors H32 (sweep every interruption).
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from moduline.errors import ModulineError
from moduline.testing.loop_thread import LoopThread
from moduline.testing.module_under_test import BOOT_LIMIT_S, WAIT_LIMIT_S, ModuleUnderTest

Block = Callable[[], Any]
DEFAULT_SEED: Final = 1


@dataclass(frozen=True, slots=True)
class Cut:
    """One power cut that has happened.

    Attributes:
        word: replays it: ``cut@12``, ``tear@12:3``, or ``after 0.0312 s``.
        operations: flash operations of the whole block; 0 when they were not counted.
    """

    word: str
    operations: int = 0

    def __str__(self) -> str:
        return self.word


class PowerCut:
    """Takes the power of one module away.

    Args:
        module: whose power.
        loop: where it lives.
        seed: of tears and random moments.
    """

    def __init__(self, module: ModuleUnderTest, loop: LoopThread, seed: int = DEFAULT_SEED) -> None:
        self._module = module
        self._loop = loop
        self._random = random.Random(seed)  # noqa: S311  repeatable, not secret

    def at(self, word: str | int, block: Block, *, runs_main: bool = False) -> Cut:
        """Run a block with one cut armed, then power the module up again.

        Args:
            word: number of the flash operation, counted from the beginning of the block, or ``cut@N``, ``tear@N:SEED``.
            block: what is cut short; may begin with ``module.start`` when the module is off.
            runs_main: whether main.py runs after the cut.

        Raises:
            NoAnswer: the block ended before its power went away, or the module does not boot after it.
        """
        cut = Cut(f"cut@{word}" if isinstance(word, int) else word)
        self._arm(cut.word)
        try:
            self._run_short(block)
            self._module.wait_off(WAIT_LIMIT_S)
        finally:
            self._arm("")
        self._module.start(BOOT_LIMIT_S, runs_main=runs_main)
        return cut

    def every(
        self, block: Block, *, torn: bool = False, limit: int | None = None, runs_main: bool = False
    ) -> Iterator[Cut]:
        """Cut a block at each of its flash operations; the module is up again at each step.

        Args:
            block: what is cut short; must do the same each time. When the module is off, the block starts it.
            torn: tear the operation instead of leaving it out.
            limit: at most that many, spread over the block; None for all.
            runs_main: whether main.py runs after each cut.

        Yields:
            The cut that has just happened.
        """
        begins_off = self._module.state == "off"
        if not begins_off:
            self._module.power_off()
        before = self._cells()
        self._back_to(before, begins_off=begins_off)
        self._arm("")
        block()
        total = self._loop.call(lambda: self._module.virtual.file.flash.operation)
        for number in _spread(total, limit):
            self._back_to(before, begins_off=begins_off)
            word = f"tear@{number}:{self._random.randrange(1, 1 << 16)}" if torn else f"cut@{number}"
            yield Cut(self.at(word, block, runs_main=runs_main).word, total)

    def randomly(self, block: Block, *, times: int = 10, within: float = 0.5, runs_main: bool = False) -> Iterator[Cut]:
        """Cut a block at random moments of its first ``within`` seconds, ``times`` times.

        Yields:
            The cut that has just happened; the flash keeps what each cut left.
        """
        for _ in range(times):
            delay = self._random.uniform(0, within)
            self._loop.call(self._later, delay)
            self._run_short(block)
            self._module.wait_off(within + WAIT_LIMIT_S)
            self._module.start(BOOT_LIMIT_S, runs_main=runs_main)
            yield Cut(f"after {delay:.4f} s")

    def _later(self, delay: float) -> None:
        import asyncio  # the loop is the module's own

        loop, virtual = asyncio.get_running_loop(), self._module.virtual
        loop.call_later(delay, lambda: loop.create_task(virtual.power_off()))

    def _run_short(self, block: Block) -> None:
        with contextlib.suppress(ModulineError):  # the power is gone: port vanished, no answer, text not seen
            block()

    def _arm(self, word: str) -> None:
        self._loop.call(self._module.virtual.file.flash.arm, word)

    def _cells(self) -> bytes:
        memory = self._module.virtual.file.memory
        return self._loop.call(memory.read, 0, memory.geometry.capacity_bytes)

    def _back_to(self, cells: bytes, *, begins_off: bool) -> None:
        self._module.power_off()

        def put_back() -> None:
            self._module.virtual.file.memory.cells[:] = cells

        self._loop.call(put_back)
        if not begins_off:
            self._module.start(BOOT_LIMIT_S, runs_main=False)


def _spread(total: int, limit: int | None) -> list[int]:
    """Numbers below ``total``, all of them or ``limit`` at even distances, first and last included."""
    if limit is None or limit >= total:
        return list(range(total))
    if limit <= 1:
        return [0][:limit]
    return sorted({round(index * (total - 1) / (limit - 1)) for index in range(limit)})
