"""SIM, network, signal and battery as plain facts; no radio is simulated yet.

Source: device-api 9.2, 9.3 (forms of the values).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RadioFacts:
    """What the module sees of the world.

    Attributes:
        rssi: as ``AT+CSQ`` counts it, 0 to 31, 99 for none.
        ber: bit error class, 99 for unknown.
        has_sim: a card is in and needs no PIN.
        imsi: of the card, 15 digits.
        iccid: of the card, 20 digits.
        registration: as ``AT+CREG?`` counts it: 0 no, 1 home, 5 roaming.
        operator: name of the network.
        battery_mv: supply voltage.
    """

    rssi: int = 24
    ber: int = 99
    has_sim: bool = True
    imsi: str = "460001234567890"
    iccid: str = "89860012345678901234"
    registration: int = 1
    operator: str = "VIRTUAL"
    battery_mv: int = 3590
