"""How long from power-on to the prompt, and how much memory does a module take? One module, then sixty-four.

    python bench/power_on.py [COUNT]

Time runs from ``ScriptRuntime.start`` to the REPL's prompt, with file systems that are formatted already and no
main.py. Memory is the proportional set size (PSS) of the children, and of the zygote and this process divided among
them.
"""

import asyncio
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

from moduline.nor.geometry import Geometry
from moduline.port.pty import PtyEnd
from moduline.vmodule.flash_file import FlashFile
from moduline.vmodule.interpreter.plan import ModuleFacts, MountPlan, OwnerCalls, RuntimePlan
from moduline.vmodule.interpreter.runtime import ScriptRuntime
from moduline.vmodule.interpreter.zygote import Zygote

FLASH_BYTES, USR_BYTES, BAK_BYTES = 8 << 20, 5 << 20, 200 << 10
ROUNDS = 15


def pss_kb(pid):
    """(all, of that pages of flash files) in KiB."""
    whole = flash = 0
    is_flash = False
    for line in Path(f"/proc/{pid}/smaps").read_text().splitlines():
        word = line.split()[0]
        if not word.endswith(":"):
            is_flash = line.endswith("flash.bin")
        elif word == "Pss:":
            whole += int(line.split()[1])
            flash += int(line.split()[1]) * is_flash
    return whole, flash


class Module:
    """Flash, port and runtime of one module."""

    def __init__(self, folder, number, zygote):
        self.number, self.zygote = number, zygote
        self.flash = FlashFile(Path(folder) / str(number) / "flash.bin", Geometry(FLASH_BYTES))

    async def power_on(self):
        self.pty = PtyEnd()
        plan = RuntimePlan(
            name=f"b{self.number}",
            flash=self.flash.flash,
            flash_path=self.flash.path,
            mounts=(
                MountPlan("/usr", "customer_fs", 0, USR_BYTES, "lfs1", USR_BYTES // 4096 - 1),
                MountPlan(
                    "/bak", "backup", USR_BYTES, BAK_BYTES, "lfs1", BAK_BYTES // 4096 - 1, is_write_protected=True
                ),
            ),
            facts=ModuleFacts("EC600U", "868540050393723", "D1D20J60A0017870P", "V1"),
            repl=self.pty,
            owner=OwnerCalls(*([lambda *_: None] * 5)),
        )
        self.runtime = ScriptRuntime(plan, self.zygote)
        began = time.perf_counter()
        await self.runtime.start()
        await self.runtime.wait_prompt()
        return (time.perf_counter() - began) * 1000

    async def power_off(self):
        await self.runtime.stop()
        await self.pty.close()
        self.flash.release_memory()


async def measure(count):
    zygote = await Zygote.start()
    with tempfile.TemporaryDirectory(prefix="moduline-bench-") as folder:
        modules = [Module(folder, number, zygote) for number in range(count)]
        first = modules[0]
        await first.power_on()
        await first.power_off()  # formatted, ROM compiled
        single = []
        for _ in range(ROUNDS):
            single.append(await first.power_on())
            await first.power_off()
        middle, worst = statistics.median(single), max(single)
        print(f"1 module: power-on to prompt {middle:.1f} ms median, {worst:.1f} ms worst of {ROUNDS}")
        for module in modules[1:]:
            await module.power_on()
            await module.power_off()
        began = time.perf_counter()
        times = await asyncio.gather(*(module.power_on() for module in modules))
        total = (time.perf_counter() - began) * 1000
        print(
            f"{count} modules at once: {statistics.median(times):.1f} ms median, {total:.1f} ms until the last prompt"
        )
        children = [pss_kb(module.runtime.pid) for module in modules]
        ours, zygotes = pss_kb(os.getpid()), pss_kb(zygote._process.pid)
        own = statistics.median(whole - flash for whole, flash in children) / 1024
        cells = (sum(flash for _, flash in children) + ours[1]) / count / 1024
        everything = (sum(whole for whole, _ in children) + ours[0] + zygotes[0]) / count / 1024
        print(
            f"memory per module (PSS): {own:.2f} MB interpreter, {cells:.2f} MB cached pages of its flash file, "
            f"{everything - own - cells:.2f} MB share of zygote and supervisor; {everything:.2f} MB in all"
        )
        for module in modules:
            await module.power_off()
            module.flash.close()
    await zygote.close()


if __name__ == "__main__":
    asyncio.run(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 64))
