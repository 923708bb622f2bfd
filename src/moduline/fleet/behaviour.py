"""How a kind of device behaves: one frozen value, shared by all devices of the kind.

Times are seconds of the device, which a fleet's time scale shortens. Spans are (lowest, highest), drawn anew for each
device and occasion. Chances are 0..1, for each occasion.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

Span = tuple[float, float]


class Answer(Enum):
    """What the application, or its user, does with an offer."""

    ACCEPT = "accept"
    REFUSE = "refuse"
    IGNORE = "ignore"


@dataclass(frozen=True, slots=True)
class Behaviour:
    """One kind of device.

    Attributes:
        name: of the kind.
        model: module model told to the platform.
        module_version: what runs at first.
        mcus: (component, version) of what hangs on the module.
        battery: percent.
        signal: dBm.
        free_flash_bytes: room for files.
        keep_alive_s: of the connection, in real seconds.
        is_encrypted: asks for a session key.
        asks_after_s: says 0x0115 so long after it came online; None: never by itself.
        asks_every_s: and again; None: not again.
        answer: to an offer that the device could take.
        checks_limits: refuses what battery, signal or room do not allow.
        decide_s: until the answer.
        wants_sha256: asks for that digest when it accepts.
        reads_lists: can take several files.
        bytes_per_s: of its download; 0: as fast as the network.
        boot_s: from power-on to the first connection.
        write_s: until an MCU has taken its file.
        flaky: chance that one download breaks.
        digest_errors: chance that one download is spoilt on its way to flash.
        flash_refused: chance that firmware or MCU refuses what was stored.
        boot_loops: chance that the new firmware restarts again and again, until the old one comes back.
        loops: how often it then starts.
        wrong_version: chance that another version than the wanted one runs afterwards.
        power_loss: chance of a power cut before each message.
        flash_power_loss: chance of a power cut while flashing.
        off_s: how long a power cut lasts.
        duplicates: chance that a message is said twice.
        outage_every_s: online this long, then an outage; (0, 0): none.
        outage_s: how long that lasts.
    """

    name: str = "plain"
    model: str = "EC600N"
    module_version: str = "V1"
    mcus: tuple[tuple[str, str], ...] = ()
    battery: Span = (40, 100)
    signal: Span = (-95, -60)
    free_flash_bytes: int = 500_000
    keep_alive_s: int = 120
    is_encrypted: bool = False
    asks_after_s: float | None = 0.0
    asks_every_s: float | None = None
    answer: Answer = Answer.ACCEPT
    checks_limits: bool = True
    decide_s: Span = (0.2, 2.0)
    wants_sha256: bool = False
    reads_lists: bool = True
    bytes_per_s: float = 0.0
    boot_s: Span = (1.0, 4.0)
    write_s: Span = (0.5, 5.0)
    flaky: float = 0.0
    digest_errors: float = 0.0
    flash_refused: float = 0.0
    boot_loops: float = 0.0
    loops: int = 3
    wrong_version: float = 0.0
    power_loss: float = 0.0
    flash_power_loss: float = 0.0
    off_s: Span = (5.0, 60.0)
    duplicates: float = 0.0
    outage_every_s: Span = (0.0, 0.0)
    outage_s: Span = (600.0, 7200.0)
