"""A rack of virtual modules over pseudo-terminals for the tests of whole burns, the same for every chip."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager

from moduline import burn
from moduline.line import GangOptions, run_gang
from moduline.port import registry
from moduline.release.firmware import stock_package
from moduline.vmodule import rack_client


class ModuleRack:
    """One rack by name, with modules ``m1`` and so on of one kind.

    Args:
        name: of the rack.
        prefix: of the names of its modules.
        module: kind of its modules, unless another one is asked for.
        limits: for every order, in seconds, beside those of all.
    """

    def __init__(self, name, module, prefix="m", **limits):
        self.name = name
        self.prefix = prefix
        self.module = module
        self.limits = {"ask_limit_s": 1.0, "pin_limit_s": 1.0, "window_s": 5.0, "boot_limit_s": 30.0} | limits

    @contextmanager
    def in_folder(self, tmp_path):
        """Gives ``up(count, module)``, which gives the names; the stock package lies in a folder with an awkward name."""
        folder = tmp_path / "测试 目录 (1)"
        folder.mkdir()

        def up(count, module=self.module):
            file = folder / "stock"
            file.write_bytes(stock_package(module))
            rack_client.start(self.name)
            wanted = [
                {"name": f"{self.prefix}{n}", "module": module, "number": n, "package": str(file)}
                for n in range(1, count + 1)
            ]
            rack_client.ask(self.name, "add", 60.0, modules=wanted)
            return [one["name"] for one in wanted]

        try:
            yield up
        finally:
            rack_client.ask(self.name, "down", 60.0)

    def order(self, package=None, **options):
        """What to burn; the module's stock package unless another one is named."""
        return burn.make_order(package or stock_package(self.module), "stock", **(self.limits | options))

    def do(self, what, name, **facts):
        """One thing done to one module."""
        rack_client.ask(self.name, what, 30.0, name=name, **facts)

    def burn_one(self, name="m1", **options):
        """The record of one burn."""
        return asyncio.run(burn.run_job(f"virt:{name}", self.order(**options)))

    def flash_of(self, name):
        """All bytes of a module's flash."""
        return (registry.rack_folder(self.name) / name / "flash.bin").read_bytes()

    def burn_eight(self, order, faults, hand):
        """A gang of eight, of which some meet a fault once; ``hand(name)`` re-powers each that failed. Gives the records.

        Every module passes in the end, those with a fault in their second try.
        """
        for name, spec in faults.items():
            self.do("fault", name, spec=spec)

        def on_record(record):
            if not record.is_pass:
                asyncio.get_running_loop().run_in_executor(None, hand, self._of(record))

        options = GangOptions(count=8, patience_s=60.0)
        records = asyncio.run(run_gang(order, self.name, options, on_record=on_record))
        assert sorted(record.outcome for record in records) == ["FAIL"] * len(faults) + ["PASS"] * 8
        assert {self._of(record) for record in records if not record.is_pass} == set(faults)
        assert len({record.imei for record in records if record.is_pass}) == 8
        return records

    def _of(self, record):
        return self.prefix + record.slot.removeprefix("A")
