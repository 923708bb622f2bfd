"""AT commands about the module and the port: identity, settings, functionality, battery, date, power.

Source: device-api 4, 10.6; ITU-T V.250; 3GPP TS 27.007 5, 8.2, 8.4, 8.15, 9.1.
"""

from __future__ import annotations

import calendar
import re
import time
from typing import Final

from moduline.vmodule.at_state import NO_SERVICE, WRONG_PARAMETER, AtAction, AtReply, AtState, AtTable, split_values

EMPTY_MV: Final = 3400
FULL_MV: Final = 4200
QUARTER_S: Final = 900
_CLOCK: Final = re.compile(r"(\d\d/\d\d/\d\d,\d\d:\d\d:\d\d)(?:([+-])(\d\d))?")


def _ok(state: AtState, argument: str) -> AtReply:
    del state, argument
    return AtReply()


def _attention(state: AtState, argument: str) -> AtReply:
    del state
    return AtReply() if not argument else AtReply(result="ERROR")


def _accept_switch(state: AtState, argument: str) -> AtReply:
    del state
    return AtReply() if argument in {"", "0", "1"} else AtReply(result="ERROR")


def _echo(state: AtState, argument: str) -> AtReply:
    if argument not in {"", "0", "1"}:
        return AtReply(result="ERROR")
    state.is_echoing = argument == "1"
    return AtReply()


def _quiet(state: AtState, argument: str) -> AtReply:
    if argument not in {"", "0", "1"}:
        return AtReply(result="ERROR")
    state.is_quiet = argument == "1"
    return AtReply()


def _verbose(state: AtState, argument: str) -> AtReply:
    if argument not in {"", "0", "1"}:
        return AtReply(result="ERROR")
    state.is_verbose = argument == "1"
    return AtReply()


def _defaults(state: AtState, argument: str) -> AtReply:
    del argument
    state.reset()
    return AtReply()


def _settings(state: AtState, argument: str) -> AtReply:
    del argument
    return AtReply((f"E: {int(state.is_echoing)}", f"Q: {int(state.is_quiet)}", f"V: {int(state.is_verbose)}"))


def _identify(state: AtState, argument: str) -> AtReply:
    if argument not in {"", "0"}:
        return AtReply(result="ERROR")
    facts = state.facts
    return AtReply((facts.manufacturer, facts.model, f"Revision: {facts.firmware_version}"))


def _imei(state: AtState, argument: str) -> AtReply:
    del argument
    return AtReply((state.facts.imei or "0" * 15,))


def _imei_by_kind(state: AtState, argument: str) -> AtReply:
    if argument == "0":
        return AtReply((state.facts.serial_number,))
    return AtReply((f'+CGSN: "{state.facts.imei}"',)) if argument == "1" else state.error(WRONG_PARAMETER)


def _imei_factory(state: AtState, argument: str) -> AtReply:
    return AtReply((f'+EGMR: "{state.facts.imei}"',)) if argument == "0,7" else state.error(WRONG_PARAMETER)


def _manufacturer(state: AtState, argument: str) -> AtReply:
    del argument
    return AtReply((state.facts.manufacturer,))


def _model(state: AtState, argument: str) -> AtReply:
    del argument
    return AtReply((state.facts.model,))


def _version(state: AtState, argument: str) -> AtReply:
    del argument
    return AtReply((state.facts.firmware_version,))


def _battery(state: AtState, argument: str) -> AtReply:
    """``+CBC: 0,percent,mV``; how full it is follows the voltage evenly, in this model."""
    del argument
    millivolts = state.radio.battery_mv
    percent = max(0, min(100, round(100 * (millivolts - EMPTY_MV) / (FULL_MV - EMPTY_MV))))
    return AtReply((f"+CBC: 0,{percent},{millivolts}",))


def _error_style_read(state: AtState, argument: str) -> AtReply:
    del argument
    return AtReply((f"+CMEE: {state.error_style}",))


def _error_style_set(state: AtState, argument: str) -> AtReply:
    if argument not in {"0", "1", "2"}:
        return state.error(WRONG_PARAMETER)
    state.error_style = int(argument)
    return AtReply()


def _functionality_read(state: AtState, argument: str) -> AtReply:
    del argument
    return AtReply((f"+CFUN: {state.radio.functionality}",))


def _functionality_set(state: AtState, argument: str) -> AtReply:
    level, _, is_reset = argument.partition(",")
    if level not in {"0", "1", "4"} or is_reset not in {"", "0", "1"}:
        return state.error(WRONG_PARAMETER)
    state.radio.set_functionality(int(level))
    return AtReply(action=AtAction.RESET if is_reset == "1" else None)


def _power_down(state: AtState, argument: str) -> AtReply:
    if argument not in {"", "0", "1"}:
        return state.error(WRONG_PARAMETER)
    return AtReply(action=AtAction.POWER_OFF, afterwards="POWERED DOWN")


def _local_text(unix_s: float, zone_quarters: int) -> str:
    local = time.gmtime(unix_s + zone_quarters * QUARTER_S)
    return f"{time.strftime('%y/%m/%d,%H:%M:%S', local)}{zone_quarters:+03d}"


def _clock_read(state: AtState, argument: str) -> AtReply:
    """The RTC, in the network's time zone."""
    del argument
    text = _local_text(state.radio.clock.now_s(), state.radio.plan.cell.zone_quarters)
    return AtReply((f'+CCLK: "{text}"',))


def _clock_set(state: AtState, argument: str) -> AtReply:
    match = _CLOCK.fullmatch(",".join(split_values(argument)))
    if match is None:
        return state.error(WRONG_PARAMETER)
    quarters = int(match[3]) if match[3] else 0
    if match[2] == "-":
        quarters = -quarters
    elif not match[2]:
        quarters = state.radio.plan.cell.zone_quarters
    try:
        moment = time.strptime(match[1], "%y/%m/%d,%H:%M:%S")
    except ValueError:
        return state.error(WRONG_PARAMETER)
    state.radio.set_time(calendar.timegm(moment) - quarters * QUARTER_S)
    return AtReply()


def _network_time(state: AtState, argument: str) -> AtReply:
    """``AT+QLTS``: what the network told at registration; mode 2 in local time, the others in UTC."""
    nitz_s, zone = state.radio.nitz_s, state.radio.plan.cell.zone_quarters
    if argument not in {"", "0", "1", "2"}:
        return state.error(WRONG_PARAMETER)
    if nitz_s is None:
        return state.error(NO_SERVICE)
    text = _local_text(nitz_s, zone) if argument == "2" else f"{_local_text(nitz_s, 0)[:-3]}{zone:+03d}"
    return AtReply((f'+QLTS: "{text},0"',))


TABLE: Final[AtTable] = {
    ("", "execute"): _attention,
    ("E", "execute"): _echo,
    ("I", "execute"): _identify,
    ("Q", "execute"): _quiet,
    ("V", "execute"): _verbose,
    ("X", "execute"): _ok,
    ("Z", "execute"): _defaults,
    ("&F", "execute"): _defaults,
    ("&V", "execute"): _settings,
    ("&W", "execute"): _accept_switch,
    ("+GSN", "execute"): _imei,
    ("+CGSN", "execute"): _imei,
    ("+CGSN", "set"): _imei_by_kind,
    ("+EGMR", "set"): _imei_factory,
    ("+GMI", "execute"): _manufacturer,
    ("+CGMI", "execute"): _manufacturer,
    ("+GMM", "execute"): _model,
    ("+CGMM", "execute"): _model,
    ("+GMR", "execute"): _version,
    ("+CGMR", "execute"): _version,
    ("+QGMR", "execute"): _version,
    ("+CBC", "execute"): _battery,
    ("+CMEE", "read"): _error_style_read,
    ("+CMEE", "set"): _error_style_set,
    ("+CFUN", "read"): _functionality_read,
    ("+CFUN", "set"): _functionality_set,
    ("+CCLK", "read"): _clock_read,
    ("+CCLK", "set"): _clock_set,
    ("+QLTS", "execute"): _network_time,
    ("+QLTS", "set"): _network_time,
    ("+QPOWD", "execute"): _power_down,
    ("+QPOWD", "set"): _power_down,
}

RANGES: Final = {
    "+CMEE": "(0-2)",
    "+CFUN": "(0,1,4),(0,1)",
    "+QPOWD": "(0,1)",
    "+QLTS": "(0-2)",
}
"""What the test form of a command says."""
