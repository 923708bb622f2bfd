"""Checks of what the jig wires to the module: a UART whose transmitter leads to its receiver, and pins.

Source: device-api 10.5 (``machine.UART``); QuecPython ``machine.Pin``.
"""

from __future__ import annotations

import binascii
import re
from dataclasses import dataclass
from typing import ClassVar, Final

from moduline.errors import Text
from moduline.line.checks.kind import LoadFile
from moduline.line.checks.repl_code import run_code
from moduline.line.checks.under_test import Role, UnderTest
from moduline.line.checks.wanted import Key, Measured, shown
from moduline.profiles.schema import Table
from moduline.remote import snippets

UARTS: Final = (0, 1, 2, 4)
MAX_TEXT: Final = 512
DEFAULT_TEXT: Final = "moduline 0123456789 UUU"
PULLS: Final = ("none", "up", "down")
_PIN: Final = re.compile(r"GPIO\d{1,2}")

LOOP: Final = """\
def _ml(n,b,t,w):
 import utime,ubinascii
 from machine import UART
 u=UART(n,b,8,0,1,0)
 try:
  if u.any():
   u.read(u.any())
  u.write(t)
  r=b''
  s=utime.ticks_ms()
  while len(r)<len(t) and utime.ticks_diff(utime.ticks_ms(),s)<w:
   k=u.any()
   if k:
    r+=u.read(k)
   else:
    utime.sleep_ms(5)
 finally:
  u.close()
 print('\\x02'+ubinascii.hexlify(r).decode()+'\\x03',end='')
"""

PINS: Final = """\
def _ml(r,d,p):
 import utime
 from machine import Pin
 o=None
 if d:
  o=Pin(getattr(Pin,d),Pin.OUT,Pin.PULL_DISABLE,0)
 i=o
 if r!=d:
  i=Pin(getattr(Pin,r),Pin.IN,p,0)
 s=''
 for v in ((0,1,0,1) if o else (0,)):
  if o:
   o.write(v)
   utime.sleep_ms(5)
  s+=str(i.read())
 print('\\x02'+s+'\\x03',end='')
"""


@dataclass(frozen=True, slots=True)
class UartCheck:
    """What is sent on a UART comes back, through the jig."""

    TITLE: ClassVar[Text] = Text("UART loopback", "UART 回环")
    KEYS: ClassVar[tuple[Key, ...]] = (
        Key("port", Text("0, 1, 2 or 4", "0、1、2 或 4"), "2"),
        Key("baud", Text("bits per second", "波特率"), "115200"),
        Key("text", Text("what is sent, ASCII", "发送的 ASCII 文本"), DEFAULT_TEXT),
    )
    settle_s: ClassVar[float] = 0.0

    port: int
    baud: int
    text: str

    @property
    def role(self) -> Role:
        """The REPL."""
        return "repl"

    @classmethod
    def read(cls, table: Table, load: LoadFile) -> UartCheck:
        """See :class:`~moduline.line.checks.kind.Kind`."""
        del load
        port, baud, text = table.number("port", 2), table.number("baud", 115200), table.text("text", DEFAULT_TEXT)
        if port not in UARTS:
            table.refuse("port", "there is no such UART", "没有该 UART")
        if not 300 <= baud <= 4_468_750:
            table.refuse("baud", "it must be 300 to 4468750", "应为 300 至 4468750")
        if not text or len(text) > MAX_TEXT or not (text.isascii() and text.isprintable()):
            table.refuse("text", "1 to {most} printable ASCII characters", "应为 1 至 {most} 个可打印 ASCII 字符",
                         most=MAX_TEXT)  # fmt: skip
        return cls(port, baud, text)

    async def measure(self, unit: UnderTest, limit_s: float) -> Measured:
        """Send and wait for it."""
        wait_ms = int(max(limit_s - 1.0, limit_s / 2) * 1000)
        code = snippets.call(LOOP, self.port, self.baud, self.text.encode(), wait_ms)
        frames = snippets.frames(await run_code(await unit.repl(), code, limit_s))
        try:
            came = binascii.unhexlify(frames[0]) if frames else b""
        except binascii.Error:
            came = b""
        return Measured(shown(came.decode("ascii", "replace")), self.text[:200], came == self.text.encode(),
                        "" if came else "nothing came back")  # fmt: skip


@dataclass(frozen=True, slots=True)
class GpioCheck:
    """A pin has a level, or follows another pin that the module drives."""

    TITLE: ClassVar[Text] = Text("GPIO", "GPIO")
    KEYS: ClassVar[tuple[Key, ...]] = (
        Key("pin", Text("what is read, such as `GPIO1`", "读取的引脚，如 `GPIO1`")),
        Key("level", Text("what it must be: 0 or 1", "应有电平：0 或 1")),
        Key("drive", Text("instead of `level`: the pin that is driven and must be followed",
                          "代替 `level`：由模组驱动、`pin` 应跟随的引脚")),
        Key("pull", Text("`none`, `up` or `down`", "`none`、`up` 或 `down`"), "none"),
    )  # fmt: skip
    settle_s: ClassVar[float] = 0.0

    pin: str
    drive: str
    level: int
    pull: int

    @property
    def role(self) -> Role:
        """The REPL."""
        return "repl"

    @classmethod
    def read(cls, table: Table, load: LoadFile) -> GpioCheck:
        """See :class:`~moduline.line.checks.kind.Kind`."""
        del load
        pin, drive = table.text("pin"), table.text("drive", "")
        for key, name in (("pin", pin), ("drive", drive)):
            if name and not _PIN.fullmatch(name):
                table.refuse(key, "it must be like GPIO1", "应形如 GPIO1")
        if not pin or table.has("level") == bool(drive):
            table.refuse("level", "either level or drive", "level 与 drive 二选一")
        level = 0 if drive else table.number("level")
        if level > 1:
            table.refuse("level", "0 or 1", "应为 0 或 1")
        return cls(pin, drive, level, PULLS.index(table.choice("pull", PULLS, "none")))

    async def measure(self, unit: UnderTest, limit_s: float) -> Measured:
        """Read it, or drive and read."""
        code = snippets.call(PINS, self.pin, self.drive, self.pull)
        frames = snippets.frames(await run_code(await unit.repl(), code, limit_s))
        wanted = "0101" if self.drive else str(self.level)
        found = frames[0] if frames else ""
        return Measured(shown(found), wanted, found == wanted)
