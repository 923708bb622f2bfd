"""The words of faults and what they mean; pure. The same in scenarios and after ``moduline virt fault NAME``.

::

    flash and power
    cut@N               power cut before flash operation N, counted from now     tear@N:SEED  torn inside it
    cut@12.5s           power cut after that many seconds of the module's clock  power@20s    power comes (back)
    cut@boot            power cut at the next boot, before any port appears
    cut@download:45%    power cut when that much content was received             cut@download:BYTES
    cut@repl:BYTES      power cut when so many bytes passed over that port; also at, uart2 ...
    watchdog            the watchdog restarts the module, now

    cable
    unplug              the cable goes out now; ports vanish, the module runs on  replug      it is put in again
    unplug@5s           the same after so many seconds                            replug@8s
    unplug@45%          when that much content of a burn was received             unplug@download:BYTES
    unplug@repl:BYTES   when so many bytes passed over that port
    reenumerate@exec    the download port vanishes and comes back when the first loader starts

    bytes
    drop@1/10000:SEED   one byte in 10,000 is lost, both ways, on every port; drop@repl:1/10000:SEED on one port
    flip@at:1/500:SEED  one bit of one byte in 500 changes
    slow@repl:300       so many bytes a second, each way

    answers
    silent              the download port answers nothing
    at-silent           nor the AT port                                           repl-silent  nor the REPL
    hang                the interpreter stands still; only a restart frees it
    verify-error@PART   END of that part answers 0x8B; PART is AP, PY_FS_U, NV ... or an address
    log-frames          an unasked log frame goes before every answer
    fragment            every byte travels alone
    bad-check-answered  a wrong check value is answered instead of ending in silence
    greet-anew          ASR: a loader that was called forgets the link and greets again
    wrong-model         UIS8850: every erase is answered 0x97, as when the package is for another model

    surroundings
    sim-out, sim-in     the card is taken out, put in
    no-network          no cell is heard                                          network      it is back
    data-drop           the data call breaks off
    rssi=N              signal as AT+CSQ counts it, 0 to 31, 99 for none
    registration=KIND   how the network treats the card: home, roaming, denied, none
    battery=MV          supply voltage in millivolts

    clear               all of them off

Several words are joined by commas. Content counts from the beginning of a stay in download mode; a percentage is one
of the content of the last package that was in the module whole. Lost bytes are chosen by SEED (without one, by the
seed of the module), port and direction: the same fault loses the same bytes, however they are cut into pieces.

Source: platform-unisoc 9; style-anchors H32; device-api 2.5, 9.2, 9.3.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

from moduline.errors import BadOption, Text
from moduline.nor.faulty import CutSpec, parse_cuts
from moduline.profiles.module import ModuleProfile
from moduline.vmodule.download.flash_loader import CPIO_ADDRESS, NV_ADDRESS, PHASE_CHECK_ADDRESS
from moduline.vmodule.world.radio_plan import REGISTRATIONS

Happening = Literal["cut", "unplug", "replug", "power"]
_LOGICAL: Final = {"NV": NV_ADDRESS, "PHASECHECK": PHASE_CHECK_ADDRESS, "PREPACK": CPIO_ADDRESS}
_ARCHIVES: Final = ("CP", "INDELTANV")  # on chips whose modem is unpacked into a file system
_ROLE: Final = r"(?P<role>at|repl|download|uart\d{1,2})"
_SECONDS: Final = r"(?P<seconds>\d{1,9}(?:\.\d{1,6})?)s"
MAX_RATE: Final = 10_000_000
MAX_RSSI: Final = 31
NO_SIGNAL: Final = 99
MAX_BATTERY_MV: Final = 6000

SWITCHES: Final = (
    "silent",
    "at-silent",
    "repl-silent",
    "log-frames",
    "fragment",
    "bad-check-answered",
    "greet-anew",
    "wrong-model",
    "reenumerate@exec",
    "cut@boot",
    "hang",
)
MOMENTS: Final = ("unplug", "replug", "watchdog", "clear")
SURROUNDINGS: Final = ("sim-out", "sim-in", "no-network", "network", "data-drop")
FORMS: Final = (
    "cut@N, tear@N:SEED, cut@Ts, cut@boot, cut@download:45%, cut@PORT:BYTES, power@Ts, watchdog, unplug, unplug@Ts, "
    "unplug@45%, unplug@PORT:BYTES, replug, replug@Ts, reenumerate@exec, drop@[PORT:]1/N[:SEED], "
    "flip@[PORT:]1/N[:SEED], slow@PORT:RATE, silent, at-silent, repl-silent, hang, verify-error@PART, log-frames, "
    "fragment, bad-check-answered, greet-anew, wrong-model, sim-out, sim-in, no-network, network, data-drop, rssi=N, "
    "registration=KIND, battery=MV, clear"
)


@dataclass(frozen=True, slots=True)
class FlashFault:
    """The power goes away at a flash operation, counted from now."""

    word: str
    cuts: tuple[CutSpec, ...]


@dataclass(frozen=True, slots=True)
class ContentFault:
    """Something happens when so much content of a burn was received: bytes, or percent of the last whole package."""

    word: str
    happening: Happening
    count: int
    percent: float = 0.0


@dataclass(frozen=True, slots=True)
class TrafficFault:
    """Something happens when so many bytes, both ways together, passed over a port."""

    word: str
    happening: Happening
    role: str
    count: int


@dataclass(frozen=True, slots=True)
class TimedFault:
    """Something happens after so many seconds of the module's clock."""

    word: str
    happening: Happening
    seconds: float


@dataclass(frozen=True, slots=True)
class PartFault:
    """The END of one part is answered with an error."""

    word: str
    part: str


@dataclass(frozen=True, slots=True)
class LineFault:
    """Bytes are lost or changed; ``role`` empty for every port, ``seed`` None for the module's."""

    word: str
    kind: Literal["drop", "flip"]
    role: str
    one_in: int
    seed: int | None


@dataclass(frozen=True, slots=True)
class SlowFault:
    """A port moves so many bytes a second each way."""

    word: str
    role: str
    bytes_per_s: int


@dataclass(frozen=True, slots=True)
class Switch:
    """Something stays as it is until ``clear``; one of ``SWITCHES``."""

    word: str


@dataclass(frozen=True, slots=True)
class Moment:
    """Something happens now; one of ``MOMENTS``."""

    word: str


@dataclass(frozen=True, slots=True)
class Surrounding:
    """SIM, network or supply change now; ``value`` is that of ``rssi`` and ``battery``, or how it registers (3GPP)."""

    word: str
    name: str
    value: int = 0


Fault = (
    FlashFault
    | ContentFault
    | TrafficFault
    | TimedFault
    | PartFault
    | LineFault
    | SlowFault
    | Switch
    | Moment
    | Surrounding
)

_CONTENT: Final = re.compile(
    r"(?P<what>cut|unplug)@(?:download:(?P<count>\d{1,10})|(?:download:)?(?P<percent>\d{1,3}(?:\.\d{1,6})?)%)"
)
_FLASH: Final = re.compile(r"cut@\d{1,12}|tear@\d{1,12}:\d{1,12}")
_TIMED: Final = re.compile(rf"(?P<what>cut|unplug|replug|power)@{_SECONDS}")
_TRAFFIC: Final = re.compile(rf"(?P<what>cut|unplug)@{_ROLE}:(?P<count>\d{{1,10}})")
_PART: Final = re.compile(r"verify-error@(?P<part>[\w.-]{1,64})")
_LINE: Final = re.compile(rf"(?P<kind>drop|flip)@(?:{_ROLE}:)?1/(?P<one_in>\d{{1,9}})(?::(?P<seed>\d{{1,12}}))?")
_SLOW: Final = re.compile(rf"slow@{_ROLE}:(?P<rate>\d{{1,8}})")
_REGISTRATION: Final = re.compile(r"registration=(?P<kind>[a-z]{1,10})")
_VALUE: Final = re.compile(r"(?P<name>rssi|battery)=(?P<value>\d{1,5})")


def parse_faults(spec: str) -> tuple[Fault, ...]:
    """What the words of ``spec`` mean, in their order; cuts of flash operations are one fault together.

    Raises:
        BadOption: a word is none of the forms.
    """
    faults: list[Fault] = []
    cuts: list[str] = []
    for given in spec.split(","):
        word = given.strip()
        if _FLASH.fullmatch(word):
            cuts.append(word)
        else:
            faults.append(_parse(word))
    if cuts:
        joined = ",".join(cuts)
        faults.insert(0, FlashFault(joined, parse_cuts(joined)))
    return tuple(faults)


def check_parts(faults: tuple[Fault, ...], profile: ModuleProfile) -> None:
    """See that the parts named in ``faults`` exist in the module.

    Raises:
        BadOption: one does not.
    """
    for fault in faults:
        if isinstance(fault, PartFault):
            address_of(fault.part, profile)


def address_of(part: str, profile: ModuleProfile) -> int:
    """Where a part lies: by its name in the package, its role, or a number.

    Raises:
        BadOption: no such part.
    """
    if part.upper() in _LOGICAL:
        return _LOGICAL[part.upper()]
    for partition in profile.partitions:
        if part.lower() in {partition.part.lower(), partition.role}:
            return partition.address
    if part.upper() in _ARCHIVES:
        return CPIO_ADDRESS
    try:
        return int(part, 0)
    except ValueError:
        known = ", ".join(partition.part for partition in profile.partitions if partition.part)
        why = Text("no part named '{part}'; known: {known}", "没有名为“{part}”的部分；已知：{known}")
        raise BadOption(name="SPEC", reason=why, part=part, known=known) from None


def _parse(word: str) -> Fault:
    if word in SWITCHES:
        return Switch(word)
    if word in MOMENTS:
        return Moment(word)
    if word in SURROUNDINGS:
        return Surrounding(word, word)
    if match := _CONTENT.fullmatch(word):
        return ContentFault(word, _happening(match["what"]), int(match["count"] or 0), float(match["percent"] or 0))
    if match := _TIMED.fullmatch(word):
        return TimedFault(word, _happening(match["what"]), float(match["seconds"]))
    if match := _TRAFFIC.fullmatch(word):
        return TrafficFault(word, _happening(match["what"]), match["role"], int(match["count"]))
    if match := _PART.fullmatch(word):
        return PartFault(word, match["part"])
    if match := _LINE.fullmatch(word):
        kind: Literal["drop", "flip"] = "drop" if match["kind"] == "drop" else "flip"
        seed = int(match["seed"]) if match["seed"] else None
        return LineFault(word, kind, match["role"] or "", _within(word, match["one_in"], 1, 10**9), seed)
    if match := _SLOW.fullmatch(word):
        return SlowFault(word, match["role"], _within(word, match["rate"], 1, MAX_RATE))
    if (match := _REGISTRATION.fullmatch(word)) and match["kind"] in REGISTRATIONS:
        return Surrounding(word, "registration", REGISTRATIONS[match["kind"]])
    if match := _VALUE.fullmatch(word):
        return _valued(word, match["name"], match["value"])
    why = Text("'{word}' is none of: {forms}", "“{word}” 不属于：{forms}")
    raise BadOption(name="SPEC", reason=why, word=word, forms=FORMS)


def _happening(what: str) -> Happening:
    happenings: dict[str, Happening] = {"cut": "cut", "unplug": "unplug", "replug": "replug", "power": "power"}
    return happenings[what]


def _valued(word: str, name: str, text: str) -> Surrounding:
    if name == "battery":
        return Surrounding(word, name, _within(word, text, 0, MAX_BATTERY_MV))
    value = int(text)
    return Surrounding(word, name, value if value == NO_SIGNAL else _within(word, text, 0, MAX_RSSI))


def _within(word: str, text: str, least: int, most: int) -> int:
    value = int(text)
    if not least <= value <= most:
        why = Text("'{word}': {least} to {most}", "“{word}”：应为 {least} 至 {most}")
        raise BadOption(name="SPEC", reason=why, word=word, least=least, most=most)
    return value
