"""Erases and programs of the child's file systems, done on the module's real flash model.

The child names a mount and an offset inside it; nothing outside the mounted partitions can be reached. An erase travels
with the program that follows it, as one request and two flash operations. When the power is cut inside one of them, no
answer is sent: the module is dead at that moment.

Source: brief decision 4; micropython-runtime 4 (form D).
"""

from __future__ import annotations

from moduline.errors import FlashCut, FlashViolation
from moduline.nor.flash import Flash
from moduline.vmodule.interpreter import framing
from moduline.vmodule.interpreter.plan import MountPlan

DONE = b""
REFUSED = b"\x01"


class FlashService:
    """Serves one child's flash channel; sans-I/O.

    Args:
        flash: the module's flash.
        mounts: the plan's mounts, in the order the child numbers them.
    """

    def __init__(self, flash: Flash, mounts: tuple[MountPlan, ...]) -> None:
        self._flash = flash
        self._mounts = mounts
        self._requests = framing.FlashRequests()
        self.violations: list[FlashViolation] = []

    def feed(self, data: bytes) -> bytes:
        """Do what ``data`` asks; gives the answers to send.

        Raises:
            FlashCut: the power went away; nothing may be sent any more.
            framing.BadFrameError: the child broke the channel's rules.
        """
        return b"".join(framing.answer(self._do(request)) for request in self._requests.feed(data))

    def _do(self, request: framing.FlashRequest) -> bytes:
        if request.mount >= len(self._mounts):
            raise framing.BadFrameError(f"flash request for mount {request.mount}")
        mount = self._mounts[request.mount]
        if request.offset + request.size > mount.size_bytes:
            raise framing.BadFrameError(f"flash request outside {mount.path}")
        start = mount.offset + request.offset
        try:
            if request.op == b"E":
                self._flash.erase(start, request.size)
            else:
                if request.op == b"X":
                    self._flash.erase(start, mount.block_bytes)
                self._flash.program(start, request.data)
        except FlashCut:
            raise
        except FlashViolation as fault:
            self.violations.append(fault)
            return REFUSED
        return DONE
