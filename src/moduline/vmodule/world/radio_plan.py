"""SIM, network and battery of one module as a scenario describes them: frozen values; ``radio_table`` reads them.

::

    [radio]
    timing = "quick"                    # or "realistic": a card needs 1.5 s, a search 6 s, a data call 1 s
    battery = [{ at_s = 0, mv = 4100 }, { at_s = 86400, mv = 3400 }]

    [radio.sim]
    state = "pin"                       # absent, ready, pin, puk, blocked, invalid
    pin = "4321"
    phonebook = [{ index = 1, name = "Tom", number = "18144786859" }]
    events = [{ at_s = 60, what = "out" }, { at_s = 75, what = "in" }]

    [radio.cell]
    registration = "roaming"            # home, roaming, denied, none
    signal = [{ at_s = 0, rssi = 28 }, { at_s = 600, rssi = 6 }, { at_s = 900, rssi = 99 }, { at_s = 960, rsrp = 95 }]
    noise_db = 2.0

    [radio.data]
    apn = "private.iot"
    is_apn_strict = true                # no other is let in
    fail_first = 2                      # so many attempts fail
    drop_after_s = 600                  # a call breaks off so long after it was connected

``at_s`` counts module seconds from the moment the world began. Between two points signal and battery change evenly.
rssi counts as ``AT+CSQ`` does: 0 to 31, 99 for no coverage until the next point; ``rsrp`` is given without its sign.

Source: device-api 9.2, 9.3, 9.4, 10.6 (forms of the values); 3GPP TS 27.007 8.5 (rssi).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

ABSENT, READY, PIN_NEEDED, PUK_NEEDED, INITIALISING, BLOCKED, INVALID = 0, 1, 2, 3, 18, 19, 20
"""What ``sim.getStatus()`` says. Source: device-api 9.2."""

SIM_STATES: Final = {
    "absent": ABSENT,
    "ready": READY,
    "pin": PIN_NEEDED,
    "puk": PUK_NEEDED,
    "blocked": BLOCKED,
    "invalid": INVALID,
}
REGISTRATIONS: Final = {"home": 1, "roaming": 5, "denied": 3, "none": 2}
NO_SIGNAL: Final = 99
MAX_RSSI: Final = 31
RSRP_BELOW_RSSI: Final = 25
"""dB between RSSI and RSRP of one LTE cell, as in the sample -51 / -76. Source: device-api 9.3."""


@dataclass(frozen=True, slots=True)
class Contact:
    """One entry of the phonebook."""

    index: int
    name: str
    number: str


@dataclass(frozen=True, slots=True)
class SimEvent:
    """The card is taken out or put in at a time."""

    at_s: float
    is_in: bool


@dataclass(frozen=True, slots=True)
class SimPlan:
    """The card.

    Attributes:
        state: at power-on, a key of ``SIM_STATES``.
        imsi: 15 digits.
        iccid: 20 digits.
        number: the card's own; empty when nobody has written it.
        pin: its PIN.
        puk: its PUK.
        centre: address of the short message centre.
        phonebook: entries of the card.
        events: when it is taken out or put in.
    """

    state: str = "ready"
    imsi: str = "460001234567890"
    iccid: str = "89860012345678901234"
    number: str = "+8613800000001"
    pin: str = "1234"
    puk: str = "12345678"
    centre: str = "+8613800100500"
    phonebook: tuple[Contact, ...] = ()
    events: tuple[SimEvent, ...] = ()


@dataclass(frozen=True, slots=True)
class Point:
    """A value at a time; None is no coverage until the next point."""

    at_s: float
    value: float | None


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Another LTE cell that is heard."""

    cid: int
    pci: int
    tac: int
    earfcn: int
    rsrp: int
    mcc: str = "460"
    mnc: str = "00"


@dataclass(frozen=True, slots=True)
class CellPlan:
    """The network.

    Attributes:
        operator: its full name.
        short_name: the short one.
        mcc: country, three digits.
        mnc: network, two or three digits.
        lac: location or tracking area.
        cid: cell identity, 28 bits.
        rat: access technology, 7 for LTE, 0 for GSM.
        pci: physical cell identity.
        earfcn: radio channel.
        band: radio band.
        registration: how it treats this card, a key of ``REGISTRATIONS``.
        cause: why it refuses.
        signal: dBm (RSSI) over time.
        noise_db: standard deviation of what a second's measurement differs by.
        neighbours: other cells that are heard.
        zone_quarters: time zone it tells, in quarters of an hour east of Greenwich.
    """

    operator: str = "VIRTUAL"
    short_name: str = "VIRT"
    mcc: str = "460"
    mnc: str = "00"
    lac: int = 26909
    cid: int = 232301323
    rat: int = 7
    pci: int = 466
    earfcn: int = 1850
    band: int = 3
    registration: str = "home"
    cause: int = 0
    signal: tuple[Point, ...] = (Point(0.0, -65.0),)
    noise_db: float = 0.0
    neighbours: tuple[Neighbour, ...] = ()
    zone_quarters: int = 32


@dataclass(frozen=True, slots=True)
class DataPlan:
    """The packet network behind the cell.

    Attributes:
        apn: its access point name, told when a script names none.
        is_apn_strict: no other name is let in, and none at all neither.
        user: who must log in; empty for anybody.
        password: with what.
        fail_first: so many attempts of the module's life fail.
        drop_after_s: module seconds from connection to the end of it; None for never.
        address: IPv4 address of profile 1; the following profiles have the following ones.
        dns: two IPv4 name servers.
        address6: IPv6 address of profile 1.
        dns6: two IPv6 name servers.
    """

    apn: str = "cmnet"
    is_apn_strict: bool = False
    user: str = ""
    password: str = ""
    fail_first: int = 0
    drop_after_s: float | None = None
    address: str = "10.91.44.177"
    dns: tuple[str, str] = ("58.242.2.2", "218.104.78.2")
    address6: str = "2001:db8:91:44::177"
    dns6: tuple[str, str] = ("2001:db8::53", "2001:db8::5353")


@dataclass(frozen=True, slots=True)
class RadioTimes:
    """How long things take, in module seconds.

    Attributes:
        sim_s: from power to a card that answers.
        search_s: from there to the network's answer.
        connect_s: a data call.
        redial_s: from a failed or lost data call to the next attempt.
    """

    sim_s: float = 0.02
    search_s: float = 0.1
    connect_s: float = 0.03
    redial_s: float = 0.2


QUICK: Final = RadioTimes()
REALISTIC: Final = RadioTimes(sim_s=1.5, search_s=6.0, connect_s=1.0, redial_s=5.0)


@dataclass(frozen=True, slots=True)
class RadioPlan:
    """All of it.

    Attributes:
        sim: the card.
        cell: the network.
        data: the packet network.
        times: how long things take.
        battery: millivolts over time.
    """

    sim: SimPlan = field(default_factory=SimPlan)
    cell: CellPlan = field(default_factory=CellPlan)
    data: DataPlan = field(default_factory=DataPlan)
    times: RadioTimes = QUICK
    battery: tuple[Point, ...] = (Point(0.0, 3590.0),)


def dbm_of_rssi(rssi: int) -> float:
    """Level in dBm of what ``AT+CSQ`` counts. Source: 3GPP TS 27.007 8.5."""
    return -113.0 + 2 * rssi


def rssi_of_dbm(dbm: float) -> int:
    """What ``AT+CSQ`` counts of dBm."""
    return max(0, min(MAX_RSSI, round((dbm + 113) / 2)))


def value_at(points: tuple[Point, ...], at_s: float) -> float | None:
    """What lies between the points at a time; before the first and after the last it is theirs.

    Args:
        points: at least one, in order of time.
        at_s: the time.
    """
    before = points[0]
    for point in points:
        if point.at_s > at_s:
            if before.value is None or point.value is None or point is before:
                return before.value
            share = (at_s - before.at_s) / (point.at_s - before.at_s)
            return before.value + share * (point.value - before.value)
        before = point
    return before.value
