"""What is wired to the module's pins, buses and UARTs, and what happens there when; the scenario's ``bench`` table.

Times are seconds of the module's clock since its first power-on. Bytes are written as ``hex`` (blanks are free) or as
``text`` (UTF-8).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from moduline.profiles.schema import Table

MAX_LINE: Final = 63
MAX_CHANNEL: Final = 7
MAX_KEY: Final = 15
MAX_BUS: Final = 7
MAX_UART: Final = 4
MAX_DATA_BYTES: Final = 4096
MAX_ENTRIES: Final = 10_000
UART_KINDS: Final = ("pty", "tcp", "script")


@dataclass(frozen=True, slots=True)
class LevelAt:
    """From then on the outside drives a pin.

    Attributes:
        at_s: when.
        line: GPIO number.
        level: 0 or 1; None: nothing drives it any more.
    """

    at_s: float
    line: int
    level: int | None


@dataclass(frozen=True, slots=True)
class VoltageAt:
    """A point of an ADC channel's voltage; straight lines between them, level before the first and after the last.

    Attributes:
        at_s: when.
        channel: ADC number.
        millivolts: the voltage then.
    """

    at_s: float
    channel: int
    millivolts: float


@dataclass(frozen=True, slots=True)
class KeyPress:
    """A key of the matrix keyboard is pressed, and released ``hold_s`` later."""

    at_s: float
    hold_s: float
    row: int
    column: int


@dataclass(frozen=True, slots=True)
class PowerKeyPress:
    """The power key is pressed, and released ``hold_s`` later."""

    at_s: float
    hold_s: float


@dataclass(frozen=True, slots=True)
class UsbAt:
    """The USB supply comes or goes, as the module's detection pin sees it."""

    at_s: float
    is_plugged: bool


@dataclass(frozen=True, slots=True)
class Register:
    """Bytes in a device's registers from then on, ``data`` beginning at ``address``."""

    address: int
    data: bytes
    from_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Exchange:
    """One transfer a device expects.

    Attributes:
        expect: bytes the module must send; None: any.
        answer: what the device gives to a read.
    """

    expect: bytes | None
    answer: bytes


@dataclass(frozen=True, slots=True)
class BusPeer:
    """A device on a bus: with registers, or, when it has exchanges, with a script it follows step by step.

    Attributes:
        bus: ``i2c0`` and so on, ``gpio<clock>+<data>`` for a simulated I2C, ``spi0`` and so on.
        address: 7-bit address; 0 on SPI.
        address_bytes: width of a register address.
        registers: initial and later contents.
        exchanges: what it expects, in order.
        is_repeating: after the last exchange comes the first.
        is_loop: SPI: what is sent comes back.
    """

    bus: str
    address: int = 0
    address_bytes: int = 1
    registers: tuple[Register, ...] = ()
    exchanges: tuple[Exchange, ...] = ()
    is_repeating: bool = False
    is_loop: bool = False


@dataclass(frozen=True, slots=True)
class Send:
    """A scripted UART peer sends by itself."""

    at_s: float
    data: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    """A scripted UART peer answers: when ``pattern`` has arrived, ``data`` follows ``after_s`` later."""

    pattern: bytes
    data: bytes
    after_s: float = 0.0


@dataclass(frozen=True, slots=True)
class UartPeer:
    """Where a UART leads.

    Attributes:
        number: of the UART.
        kind: ``pty``; ``tcp``, listening on this computer; ``script``.
        tcp_port: 0 lets the system choose.
        sends: of a scripted peer, in order of time.
        replies: of a scripted peer; the first pattern that is found counts.
    """

    number: int
    kind: str = "pty"
    tcp_port: int = 0
    sends: tuple[Send, ...] = ()
    replies: tuple[Reply, ...] = ()


@dataclass(frozen=True, slots=True)
class BenchPlan:
    """Everything on the bench; by default nothing but the USB cable.

    Attributes:
        levels: of pins.
        voltages: of ADC channels.
        keys: of the matrix keyboard.
        power_keys: presses of the power key.
        usb: plugged and unplugged.
        peers: devices on I2C and SPI.
        uarts: where UARTs lead; those that are not named lead where the module's owner says.
    """

    levels: tuple[LevelAt, ...] = ()
    voltages: tuple[VoltageAt, ...] = ()
    keys: tuple[KeyPress, ...] = ()
    power_keys: tuple[PowerKeyPress, ...] = ()
    usb: tuple[UsbAt, ...] = ()
    peers: tuple[BusPeer, ...] = ()
    uarts: tuple[UartPeer, ...] = ()


def read_bench(table: Table) -> BenchPlan:
    """The plan in a scenario's ``bench`` table.

    Raises:
        BadRecipe: a key is wrong or unknown.
    """
    plan = BenchPlan(
        levels=tuple(_level(one) for one in _entries(table, "pins")),
        voltages=tuple(_voltage(one) for one in _entries(table, "adc")),
        keys=tuple(_key(one) for one in _entries(table, "keys")),
        power_keys=tuple(_power_key(one) for one in _entries(table, "power_key")),
        usb=tuple(_usb(one) for one in _entries(table, "usb")),
        peers=(
            *(_i2c(one) for one in _entries(table, "i2c")),
            *(_spi(one) for one in _entries(table, "spi")),
        ),
        uarts=tuple(_uart(one) for one in _entries(table, "uart")),
    )
    for what, names in (("uart", [u.number for u in plan.uarts]), ("i2c", [(p.bus, p.address) for p in plan.peers])):
        if len(names) != len(set(names)):
            table.refuse(what, "two at the same place", "同一位置重复定义")
    table.end()
    return plan


def _entries(table: Table, key: str) -> tuple[Table, ...]:
    entries = table.tables(key, [])
    if len(entries) > MAX_ENTRIES:
        table.refuse(key, "at most {most} entries", "最多 {most} 项", most=MAX_ENTRIES)
    return entries


def _at(table: Table, key: str, default: float | None = None) -> float:
    value = table.amount(key) if default is None else table.amount(key, default)
    if value < 0:
        table.refuse(key, "it must not be negative", "不能为负")
    return value


def _upto(table: Table, key: str, most: int, default: int | None = None) -> int:
    value = table.number(key) if default is None else table.number(key, default)
    if value > most:
        table.refuse(key, "at most {most}", "最大为 {most}", most=most)
    return value


def _level(one: Table) -> LevelAt:
    is_open = one.flag("is_open", default=False)
    found = LevelAt(_at(one, "at_s", 0.0), _upto(one, "line", MAX_LINE), None if is_open else _upto(one, "level", 1))
    one.end()
    return found


def _voltage(one: Table) -> VoltageAt:
    found = VoltageAt(_at(one, "at_s", 0.0), _upto(one, "channel", MAX_CHANNEL), _at(one, "mv"))
    one.end()
    return found


def _key(one: Table) -> KeyPress:
    found = KeyPress(
        _at(one, "at_s"), _at(one, "hold_s", 0.1), _upto(one, "row", MAX_KEY), _upto(one, "column", MAX_KEY)
    )
    one.end()
    return found


def _power_key(one: Table) -> PowerKeyPress:
    found = PowerKeyPress(_at(one, "at_s"), _at(one, "hold_s", 0.1))
    one.end()
    return found


def _usb(one: Table) -> UsbAt:
    found = UsbAt(_at(one, "at_s"), one.flag("is_plugged"))
    one.end()
    return found


def _i2c(one: Table) -> BusPeer:
    if one.has("clock_line"):
        bus = f"gpio{_upto(one, 'clock_line', MAX_LINE)}+{_upto(one, 'data_line', MAX_LINE)}"
    else:
        bus = f"i2c{_upto(one, 'bus', MAX_BUS, 0)}"
    width = _upto(one, "address_bytes", 2, 1)
    peer = BusPeer(
        bus=bus,
        address=_upto(one, "address", 127),
        address_bytes=width,
        registers=tuple(_register(r, (1 << 8 * width) - 1) for r in _entries(one, "registers")),
        exchanges=tuple(_exchange(e) for e in _entries(one, "exchanges")),
        is_repeating=one.flag("is_repeating", default=False),
    )
    if peer.registers and peer.exchanges:
        one.refuse("exchanges", "registers or exchanges, not both", "寄存器与交互脚本只能二选一")
    one.end()
    return peer


def _spi(one: Table) -> BusPeer:
    peer = BusPeer(
        bus=f"spi{_upto(one, 'port', MAX_BUS, 0)}",
        exchanges=tuple(_exchange(e) for e in _entries(one, "exchanges")),
        is_repeating=one.flag("is_repeating", default=False),
        is_loop=one.flag("is_loop", default=False),
    )
    one.end()
    return peer


def _register(one: Table, most: int) -> Register:
    found = Register(_upto(one, "address", most), _data(one), _at(one, "from_s", 0.0))
    one.end()
    return found


def _exchange(one: Table) -> Exchange:
    expect = _hex(one, "expect") if one.has("expect") else None
    found = Exchange(expect, _hex(one, "answer") if one.has("answer") else b"")
    one.end()
    return found


def _uart(one: Table) -> UartPeer:
    kind = one.choice("to", UART_KINDS, "pty")
    peer = UartPeer(
        number=_upto(one, "number", MAX_UART),
        kind=kind,
        tcp_port=_upto(one, "tcp_port", 65535, 0),
        sends=tuple(_send(s) for s in _entries(one, "sends")),
        replies=tuple(_reply(r) for r in _entries(one, "replies")),
    )
    if kind != "script" and (peer.sends or peer.replies):
        one.refuse("to", "only a 'script' sends and replies", "只有 script 才能发送与应答")
    one.end()
    return peer


def _send(one: Table) -> Send:
    found = Send(_at(one, "at_s"), _data(one))
    one.end()
    return found


def _reply(one: Table) -> Reply:
    pattern = one.text("pattern").encode()
    if not 1 <= len(pattern) <= MAX_DATA_BYTES:
        one.refuse("pattern", "1 to {most} bytes", "须为 1 至 {most} 字节", most=MAX_DATA_BYTES)
    found = Reply(pattern, _data(one), _at(one, "after_s", 0.0))
    one.end()
    return found


def _data(one: Table) -> bytes:
    """``hex`` or ``text``."""
    if one.has("hex"):
        return _hex(one, "hex")
    data = one.text("text").encode()
    if len(data) > MAX_DATA_BYTES:
        one.refuse("text", "at most {most} bytes", "最多 {most} 字节", most=MAX_DATA_BYTES)
    return data


def _hex(one: Table, key: str) -> bytes:
    try:
        data = bytes.fromhex(one.text(key))
    except ValueError:
        one.refuse(key, "it must be hex digits", "应为十六进制数字")
    if len(data) > MAX_DATA_BYTES:
        one.refuse(key, "at most {most} bytes", "最多 {most} 字节", most=MAX_DATA_BYTES)
    return data
