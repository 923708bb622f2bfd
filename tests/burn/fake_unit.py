"""A unit on a rack without a virtual module: AT port and download port on pseudo-terminals, shown in the registry."""

from __future__ import annotations

import asyncio
import contextlib

from burn.fake_module import FakeModule
from moduline.errors import PortGone
from moduline.formats import nv
from moduline.port import registry
from moduline.port.pty import PtyEnd
from moduline.port.registry import ModuleEntry, PortEntry

VERSION = "EG915UEUABR03A06M08"


def own_nv(imei):
    return nv.write(nv.NvBlock(0x200, (nv.NvEntry(5, nv.encode_imei(imei)),)))


class FakeUnit:
    """Boots what its flash holds: nothing at 0x60000000 means download mode, as the ROM does.

    ``cut_at``: the power goes away when so many bytes have arrived in download mode. ``is_silent``: AT does not answer.
    ``model``, ``version`` and ``told_imei``: what AT says. ``refuses``: AT+QDOWNLOAD is an ERROR. ``switches``: whether AT+QDOWNLOAD leads anywhere.
    """

    def __init__(self, name, imei="868888777766665", rack="bench", model="EG915U", version=VERSION, **faults):
        self.name, self.rack, self.model, self.version = name, rack, model, version
        self.module = FakeModule(nv=own_nv(imei))
        self.module.flash[:4] = b"boot"
        self.cut_at = faults.get("cut_at")
        self.is_silent = faults.get("is_silent", False)
        self.switches = faults.get("switches", True)
        self.refuses = faults.get("refuses", False)
        self.told_imei = ""
        self.version_after = faults.get("version_after", version)
        self.nv_after = faults.get("nv_after")
        self.received = 0
        self.burns = 0
        self._end = None
        self._task = None
        self._switch_to = None
        self._is_on = asyncio.Event()
        self._has_ended = asyncio.Event()

    async def wait_ends(self, count):
        """Until so many END commands have arrived in the loaders."""
        while self.module.counts.get(("bsl", 3), 0) < count:
            self._has_ended.clear()
            await self._has_ended.wait()

    @property
    def place(self):
        return f"virt-{self.rack}-{self.name}"

    @property
    def imei(self):
        if self.module.nv[:2] == b"\xff\xff":
            return "000000000000000"  # what firmware says that has lost it
        return nv.read(self.module.nv).imei

    async def power_on(self, boot_pin=False):
        await self.power_off()
        blank = self.module.flash[:4] == b"\xff" * 4
        self._switch_to = "download" if boot_pin or blank else "running"
        self._is_on, self._has_ended = asyncio.Event(), asyncio.Event()  # each try may have its own event loop
        self._task = asyncio.create_task(self._live())
        await self._is_on.wait()

    async def power_off(self):
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        await self._leave()

    async def _leave(self):
        if self._end is not None:
            await self._end.close()
            self._end = None
        self._publish("off")

    async def _live(self):
        while self._switch_to is not None:
            state, self._switch_to = self._switch_to, None
            self._end = PtyEnd(registry.rack_folder(self.rack) / f"{self.name}-{state}")
            self._is_on.set()
            self._publish(state)
            with contextlib.suppress(PortGone):
                await (self._download() if state == "download" else self._at())
            await self._leave()

    def _publish(self, state):
        ports = ()
        if self._end is not None:
            is_download = state == "download"
            ids = (0x0525, 0xA4A7, "") if is_download else (0x2C7C, 0x0901, "Quectel USB AT Port")
            role = "download" if is_download else "at"
            ports = (PortEntry(role, self._end.path, *ids, f"virt-{self.rack}-{self.name}"),)
        imei = self.imei if state == "running" and nv.is_crc_right(self.module.nv) else ""
        registry.publish(ModuleEntry(self.name, self.rack, self.model, imei, self.name, state, ports))

    async def _at(self):
        line = b""
        while True:
            line += await self._end.read_some()
            while b"\n" in line:
                command, _, line = line.partition(b"\n")
                await self._command(command.strip().decode())
                if self._switch_to:
                    return

    async def _command(self, command):
        if self.is_silent:
            return
        if self.refuses and command.startswith(("AT+QDOWNLOAD", "AT^FORCEDNLD")):
            await self._end.write_all(f"{command}\r\n\r\nERROR\r\n".encode())
            return
        answers = {"AT+CGMM": self.model, "AT+CGSN": self.told_imei or self.imei, "AT+CGMR": self.version}
        text = f"\r\n{answers[command]}\r\n" if command in answers else ""
        await self._end.write_all(f"{command}\r\n{text}\r\nOK\r\n".encode())
        if command == "AT+QDOWNLOAD=1" and self.switches:
            self._switch_to = "download"

    async def _download(self):
        self.module.stage, self.module.was_reset = "rom", False
        self.module._in.clear()
        while not self.module.was_reset:
            data = await self._end.read_some()
            self.received += len(data)
            if self.cut_at is not None and self.received >= self.cut_at:
                self.cut_at = None
                return
            answer = self.module.feed(data)
            self._has_ended.set()
            if answer:
                await self._end.write_all(answer)
        self.burns += 1
        self.version = self.version_after
        if self.nv_after is not None:
            self.module.nv = self.nv_after
        self._switch_to = "running"
