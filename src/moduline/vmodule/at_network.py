"""AT commands about card, network and data calls, and what the port says of them unasked.

Source: 3GPP TS 27.007 7.1 to 7.3, 7.29, 8.3, 8.5, 10.1; device-api 9.2 to 9.4 (the same truth for scripts). Vendor
commands (+QCCID, +ICCID, +QNWINFO, +QENG) have the fields of the public AT manuals.
"""

from __future__ import annotations

from typing import Final

from moduline.vmodule.at_state import (
    NO_SERVICE,
    NO_SIM,
    NOT_ALLOWED,
    PIN_REQUIRED,
    PUK_REQUIRED,
    SIM_BUSY,
    SIM_FAILURE,
    WRONG_PARAMETER,
    WRONG_PASSWORD,
    AtHandler,
    AtReply,
    AtState,
    AtTable,
    split_values,
)
from moduline.vmodule.world import radio_plan
from moduline.vmodule.world.cell import LTE
from moduline.vmodule.world.data_contexts import BOTH, MAX_PROFILE, V4, V6, Access
from moduline.vmodule.world.radio import News

INTERNATIONAL, UNKNOWN_NUMBER = 145, 129
REGISTRATION_COMMANDS: Final = ("+CREG", "+CGREG", "+CEREG")
MAX_REPORTING: Final = 2
UNKNOWN_BER: Final = 99
_IP_TYPES: Final = {"IP": V4, "IPV6": V6, "IPV4V6": BOTH}
_IP_NAMES: Final = {number: name for name, number in _IP_TYPES.items()}
MAX_APN: Final = 63
_SIM_ERRORS: Final = {
    radio_plan.ABSENT: NO_SIM,
    radio_plan.PIN_NEEDED: PIN_REQUIRED,
    radio_plan.PUK_NEEDED: PUK_REQUIRED,
    radio_plan.INITIALISING: SIM_BUSY,
}

# ---- card ------------------------------------------------------------------------------------------------------------


def _no_card(state: AtState) -> AtReply | None:
    """The error of a card that cannot be read; None when it can."""
    status = state.radio.sim_status
    return None if status == radio_plan.READY else state.error(_SIM_ERRORS.get(status, SIM_FAILURE))


def _pin_read(state: AtState, argument: str) -> AtReply:
    del argument
    word = pin_word(state.radio.sim_status)
    return AtReply((f"+CPIN: {word}",)) if word else _no_card(state) or AtReply()


def pin_word(status: int) -> str:
    """What ``+CPIN:`` says of a card's status; empty for an error."""
    words = {radio_plan.READY: "READY", radio_plan.PIN_NEEDED: "SIM PIN", radio_plan.PUK_NEEDED: "SIM PUK"}
    return words.get(status, "")


def _pin_set(state: AtState, argument: str) -> AtReply:
    """``AT+CPIN="pin"`` and ``AT+CPIN="puk","new pin"``."""
    values, sim, status = split_values(argument), state.radio.sim, state.radio.sim_status
    if status == radio_plan.PIN_NEEDED and len(values) == 1:
        is_done = sim.verify(values[0])
    elif status == radio_plan.PUK_NEEDED and len(values) == 2:
        is_done = sim.unblock(*values)
    elif status in {radio_plan.PIN_NEEDED, radio_plan.PUK_NEEDED}:
        return state.error(WRONG_PARAMETER)
    else:
        return state.error(NOT_ALLOWED) if status == radio_plan.READY else _no_card(state) or AtReply()
    state.radio.card_changed()
    return AtReply() if is_done else state.error(WRONG_PASSWORD)


def _imsi(state: AtState, argument: str) -> AtReply:
    del argument
    return _no_card(state) or AtReply((state.radio.sim.plan.imsi,))


def _iccid_as(prefix: str) -> AtHandler:
    def answer(state: AtState, argument: str) -> AtReply:
        del argument
        return _no_card(state) or AtReply((f"{prefix}: {state.radio.sim.plan.iccid}",))

    return answer


def _own_number(state: AtState, argument: str) -> AtReply:
    del argument
    number = state.radio.sim.number
    kind = INTERNATIONAL if number.startswith("+") else UNKNOWN_NUMBER
    lines = (f'+CNUM: ,"{number}",{kind}',) if number else ()
    return _no_card(state) or AtReply(lines)


# ---- signal and registration -----------------------------------------------------------------------------------------


def _signal(state: AtState, argument: str) -> AtReply:
    del argument
    return AtReply((f"+CSQ: {state.radio.rssi},{UNKNOWN_BER}",))


def registration_line(state: AtState, command: str, *, is_unasked: bool) -> str:
    """``+CREG: [n,]state[,"area","cell",technology]``; the place only at level 2 while registered."""
    radio, cell, level = state.radio, state.radio.plan.cell, state.reporting.get(command, 0)
    text = f"{command}: " + ("" if is_unasked else f"{level},") + str(radio.registration)
    if level == MAX_REPORTING and radio.is_registered:
        text += f',"{cell.lac:04X}","{cell.cid:08X}",{cell.rat}'
    return text


def _registration_read_as(command: str) -> AtHandler:
    def answer(state: AtState, argument: str) -> AtReply:
        del argument
        return AtReply((registration_line(state, command, is_unasked=False),))

    return answer


def _registration_set_as(command: str) -> AtHandler:
    def answer(state: AtState, argument: str) -> AtReply:
        if argument not in {"0", "1", "2"}:
            return state.error(WRONG_PARAMETER)
        state.reporting[command] = int(argument)
        return AtReply()

    return answer


def unasked_lines(state: AtState, news: News) -> list[str]:
    """What the port says by itself after a change."""
    if news.kind == "registration":
        return [
            registration_line(state, command, is_unasked=True)
            for command in REGISTRATION_COMMANDS
            if state.reporting.get(command, 0)
        ]
    return []


def _operator_read(state: AtState, argument: str) -> AtReply:
    del argument
    cell = state.radio.plan.cell
    if not state.radio.is_registered:
        return AtReply(("+COPS: 0",))
    name = (cell.operator, cell.short_name, cell.mcc + cell.mnc)[state.operator_format]
    return AtReply((f'+COPS: 0,{state.operator_format},"{name}",{cell.rat}',))


def _operator_set(state: AtState, argument: str) -> AtReply:
    """``0`` automatic, ``1,format,name`` by hand, ``3,format`` the format of the answer."""
    mode, *rest = split_values(argument)
    cell = state.radio.plan.cell
    if mode == "0":
        return AtReply()
    if mode == "3" and len(rest) == 1 and rest[0] in {"0", "1", "2"}:
        state.operator_format = int(rest[0])
        return AtReply()
    if mode == "1" and 2 <= len(rest) <= 3 and rest[0] in {"0", "1", "2"}:
        names = (cell.operator, cell.short_name, cell.mcc + cell.mnc)
        is_there = state.radio.is_registered and names[int(rest[0])] == rest[1]
        return AtReply() if is_there else state.error(NO_SERVICE)
    return state.error(WRONG_PARAMETER)


def _operator_test(state: AtState, argument: str) -> AtReply:
    """The networks in reach: 2 current, 1 available, 3 forbidden."""
    del argument
    radio, cell = state.radio, state.radio.plan.cell
    choices = ",,(0,1,3),(0-2)"
    if not radio.is_listening or not radio.cell.is_heard(radio.clock.tick_s()):
        return AtReply((f"+COPS: {choices.lstrip(',')}",))
    status = 2 if radio.is_registered else 3 if cell.registration == "denied" else 1
    names = f'"{cell.operator}","{cell.short_name}","{cell.mcc}{cell.mnc}"'
    return AtReply((f"+COPS: ({status},{names},{cell.rat}){choices}",))


def _network_info(state: AtState, argument: str) -> AtReply:
    del argument
    cell = state.radio.plan.cell
    if not state.radio.is_registered:
        return AtReply(("+QNWINFO: No Service",))
    kind, band = ("FDD LTE", f"LTE BAND {cell.band}") if cell.rat in LTE else ("GSM", f"GSM {cell.band}")
    return AtReply((f'+QNWINFO: "{kind}","{cell.mcc}{cell.mnc}","{band}",{cell.earfcn}',))


def _engineering(state: AtState, argument: str) -> AtReply:
    """``AT+QENG="servingcell"`` and ``"neighbourcell"`` of an LTE cell."""
    what = split_values(argument)[0]
    radio, cell, now = state.radio, state.radio.plan.cell, state.radio.clock.tick_s()
    if what not in {"servingcell", "neighbourcell"}:
        return state.error(WRONG_PARAMETER)
    dbm = radio.cell.dbm(now) if radio.is_listening else None
    if what == "neighbourcell":
        heard = cell.neighbours if dbm is not None else ()
        return AtReply(
            tuple(
                f'+QENG: "neighbourcell {"intra" if one.earfcn == cell.earfcn else "inter"}","LTE",{one.earfcn},'
                f"{one.pci},-,{one.rsrp},-,-"
                for one in heard
            )
        )
    if dbm is None or not radio.is_registered:
        return AtReply(('+QENG: "servingcell","SEARCH"',))
    use = "CONNECT" if radio.has_data else "NOCONN"
    place = f"{cell.mcc},{cell.mnc},{cell.cid:X},{cell.pci},{cell.earfcn},{cell.band},5,5,{cell.lac:X}"
    levels = f"{radio.cell.rsrp(now)},{radio.cell.rsrq(now)},{round(dbm)},{radio.cell.sinr(now)},-"
    return AtReply((f'+QENG: "servingcell","{use}","LTE","FDD",{place},{levels}',))


def _attached(state: AtState, argument: str) -> AtReply:
    del argument
    return AtReply((f"+CGATT: {int(state.radio.is_registered)}",))


# ---- data calls ------------------------------------------------------------------------------------------------------


def _profile(text: str) -> int:
    """A profile's number; 0 when it is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) == 1 and 1 <= int(text) <= MAX_PROFILE else 0


def _contexts_read(state: AtState, argument: str) -> AtReply:
    """The profiles somebody has set, and profile 1."""
    del argument
    data, lines = state.radio.data, []
    for profile in range(1, MAX_PROFILE + 1):
        access = data.saved.get(profile, data[profile].access)
        if profile == 1 or access != Access():
            address = data.address(profile) or "0.0.0.0"  # noqa: S104 - text of an answer
            apn = access.apn or (data.plan.apn if profile == 1 else "")
            lines.append(f'+CGDCONT: {profile},"{_IP_NAMES[access.ip_type]}","{apn}","{address}",0,0')
    return AtReply(tuple(lines))


def _context_set(state: AtState, argument: str) -> AtReply:
    """``AT+CGDCONT=profile[,"IP","apn"]``; the profile alone takes it back."""
    values = split_values(argument)
    profile = _profile(values[0])
    kind, apn = (*values[1:3], "", "")[:2]
    if not profile or len(apn.encode()) > MAX_APN or (len(values) > 1 and kind not in _IP_TYPES):
        return state.error(WRONG_PARAMETER)
    state.radio.data.save_access(profile, Access(_IP_TYPES[kind], apn) if len(values) > 1 else Access())
    return AtReply()


def _addresses(state: AtState, argument: str) -> AtReply:
    wanted = [_profile(text) for text in split_values(argument)] if argument else list(state.radio.data.up)
    if 0 in wanted:
        return state.error(WRONG_PARAMETER)
    lines = []
    for profile in wanted:
        address = state.radio.address(profile)
        lines.append(f'+CGPADDR: {profile},"{address}"' if address else f"+CGPADDR: {profile}")
    return AtReply(tuple(lines))


def _active_read(state: AtState, argument: str) -> AtReply:
    del argument
    data = state.radio.data
    known = sorted({1, *data.saved, *data.up})
    return AtReply(tuple(f"+CGACT: {profile},{int(data[profile].state == 'up')}" for profile in known))


def _active_set(state: AtState, argument: str) -> AtReply:
    """``AT+CGACT=1,profile`` begins a data call and ``AT+CGACT=0,profile`` ends it; the answer does not wait for it."""
    values = split_values(argument)
    profile = _profile(values[1]) if len(values) == 2 else 0
    if not profile or values[0] not in {"0", "1"}:
        return state.error(WRONG_PARAMETER)
    if values[0] == "0":
        state.radio.data.hang_up(profile)
        return AtReply()
    data = state.radio.data
    access = data.saved.get(profile, data[profile].access)
    return AtReply() if state.radio.data.dial(profile, access, is_patient=False) else state.error(NO_SERVICE)


TABLE: Final[AtTable] = {
    ("+CPIN", "read"): _pin_read,
    ("+CPIN", "set"): _pin_set,
    ("+CIMI", "execute"): _imsi,
    ("+QCCID", "execute"): _iccid_as("+QCCID"),
    ("+ICCID", "execute"): _iccid_as("+ICCID"),
    ("+CNUM", "execute"): _own_number,
    ("+CSQ", "execute"): _signal,
    ("+CREG", "read"): _registration_read_as("+CREG"),
    ("+CREG", "set"): _registration_set_as("+CREG"),
    ("+CGREG", "read"): _registration_read_as("+CGREG"),
    ("+CGREG", "set"): _registration_set_as("+CGREG"),
    ("+CEREG", "read"): _registration_read_as("+CEREG"),
    ("+CEREG", "set"): _registration_set_as("+CEREG"),
    ("+COPS", "read"): _operator_read,
    ("+COPS", "set"): _operator_set,
    ("+COPS", "test"): _operator_test,
    ("+CGATT", "read"): _attached,
    ("+CGDCONT", "read"): _contexts_read,
    ("+CGDCONT", "set"): _context_set,
    ("+CGPADDR", "execute"): _addresses,
    ("+CGPADDR", "set"): _addresses,
    ("+CGACT", "read"): _active_read,
    ("+CGACT", "set"): _active_set,
    ("+QNWINFO", "execute"): _network_info,
    ("+QENG", "set"): _engineering,
}

RANGES: Final = {
    "+CSQ": "(0-31,99),(0-7,99)",
    "+CREG": "(0-2)",
    "+CGREG": "(0-2)",
    "+CEREG": "(0-2)",
    "+CGATT": "(0,1)",
    "+CGACT": "(0,1)",
    "+CGDCONT": '(1-8),"IP",,,(0),(0)',
}
"""What the test form of a command says."""
