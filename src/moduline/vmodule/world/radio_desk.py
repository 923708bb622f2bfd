"""Answers ``sim``, ``net``, ``dataCall``, ``dial``, ``sms`` and the boot's data call of one interpreter child.

The shims check what a script gave and raise the firmware's own errors; what comes here is checked again, because a
hostile script can ask without them. Changes are reported only for what the script listens to.

Source: device-api 9.2 to 9.4, 10.2; micropython-runtime 3.
"""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Mapping
from typing import Final

from moduline.vmodule.interpreter.desk import Answer, DeskContext, Question, fact
from moduline.vmodule.interpreter.framing import BadFrameError, Call
from moduline.vmodule.world import radio_plan, sms_pdu
from moduline.vmodule.world.data_contexts import BOTH, MAX_PROFILE, V4, V6, Access
from moduline.vmodule.world.radio import News, Radio
from moduline.vmodule.world.radio_plan import NO_SIGNAL

REGISTRATION_EVENT: Final = 1
UNKNOWN: Final = 255
MAX_TEXT: Final = 512
MAX_RECORDS: Final = 21  # readPhonebook: end - start is at most 20
KEYS: Final = frozenset({"sim", "net", "data_call", "sms"})
OK, FAILED = 0, -1


class RadioDesk:
    """The radio as one life of the module's software sees it; whoever runs has power, so the radio has it too.

    Args:
        radio: of the module.
        context: of the child.
    """

    def __init__(self, radio: Radio, context: DeskContext) -> None:
        radio.power_on()
        self._radio = radio
        self._context = context
        self._heard: set[str] = set()
        self._unsubscribe = radio.subscribe(self._hear)

    @property
    def questions(self) -> Mapping[str, Question]:
        """What the shims ask."""
        return {
            "radio_listen": self._listen,
            "battery_mv": lambda _: (self._radio.battery_mv, b""),
            "sim_status": lambda _: (self._radio.sim_status, b""),
            "sim_text": self._sim_text,
            "sim_pin": self._sim_pin,
            "sim_contacts": self._sim_contacts,
            "sim_write_contact": self._sim_write_contact,
            "sim_detection": self._sim_detection,
            "net_state": self._net_state,
            "net_signal": self._net_signal,
            "net_operator": self._net_operator,
            "net_cells": self._net_cells,
            "net_nitz": self._net_nitz,
            "net_config": self._net_config,
            "net_fun": self._net_fun,
            "data_start": self._data_start,
            "data_boot": self._data_boot,
            "data_state": lambda call: (self._radio.data[self._profile(call)].state, b""),
            "data_any": lambda _: (self._radio.has_data, b""),
            "data_info": self._data_info,
            "data_stop": self._data_stop,
            "data_apn": self._data_apn,
            "data_access": self._data_access,
            "data_dns": self._data_dns,
            "data_auto": self._data_auto,
            "sms_send": self._sms_send,
            "sms_read": self._sms_read,
            "sms_delete": self._sms_delete,
            "sms_places": self._sms_places,
            "sms_centre": self._sms_centre,
            "sms_decode": self._sms_decode,
            "sms_length": self._sms_length,
        }

    async def close(self) -> None:
        """The child has ended; the radio goes on."""
        self._unsubscribe()

    # ---- news ------------------------------------------------------------------------------------------------------

    def _listen(self, call: Call) -> Answer:
        key = fact(call, "key", str)
        if key not in KEYS:
            raise BadFrameError(f"nobody tells of {key[:40]!r}")
        (self._heard.add if fact(call, "is_on", bool) else self._heard.discard)(key)
        return OK, b""

    def _hear(self, news: News) -> None:
        cell = self._radio.plan.cell
        if news.kind == "sim":
            self._tell("sim", news.values[0])
        elif news.kind == "registration":
            self._tell("net", [REGISTRATION_EVENT, news.values[0], cell.lac, cell.cid, cell.rat])
        elif news.kind == "data":
            self._tell("data_call", [*news.values, 0])
        elif news.kind == "message":
            self._tell("sms", [0, *news.values])

    def _tell(self, key: str, value: object) -> None:
        if key in self._heard:
            self._context.report(key, value)

    # ---- sim -------------------------------------------------------------------------------------------------------

    @property
    def _is_card_ready(self) -> bool:
        return self._radio.sim_status == radio_plan.READY

    def _sim_text(self, call: Call) -> Answer:
        sim = self._radio.sim
        texts = {"imsi": sim.plan.imsi, "iccid": sim.plan.iccid, "number": sim.number}
        name = fact(call, "name", str)
        if name not in texts:
            raise BadFrameError("no such text of the card")
        return texts[name] if self._is_card_ready and texts[name] else FAILED, b""

    def _sim_pin(self, call: Call) -> Answer:
        act, first, second = (_text(call, name) for name in ("act", "first", "second"))
        sim = self._radio.sim
        if self._radio.sim_status == radio_plan.ABSENT:
            return FAILED, b""
        if act in {"enable", "disable"}:
            is_done = sim.want_pin(first, is_wanted=act == "enable")
        elif act == "verify":
            is_done = sim.verify(first)
        elif act == "change":
            is_done = sim.change(first, second)
        elif act == "unblock":
            is_done = sim.unblock(first, second)
        else:
            raise BadFrameError("no such act of a card")
        self._radio.card_changed()
        return OK if is_done else FAILED, b""

    def _sim_contacts(self, call: Call) -> Answer:
        storage, start, end = (fact(call, name, int) for name in ("storage", "start", "end"))
        if not self._is_card_ready:
            return FAILED, b""
        found = self._radio.sim.contacts(storage, start, end, _text(call, "name")) or []
        return [[one.index, one.name, one.number] for one in found[:MAX_RECORDS]], b""

    def _sim_write_contact(self, call: Call) -> Answer:
        storage, index = fact(call, "storage", int), fact(call, "index", int)
        if not self._is_card_ready:
            return FAILED, b""
        is_done = self._radio.sim.write_contact(storage, index, _text(call, "name", 30), _text(call, "number", 20))
        return OK if is_done else FAILED, b""

    def _sim_detection(self, call: Call) -> Answer:
        """Hot-plugging: set when ``switch`` is 0 or 1, and told either way."""
        switch, level = fact(call, "switch", int), fact(call, "level", int)
        if switch in {0, 1}:
            self._radio.is_hot_plug_on, self._radio.hot_plug_level = bool(switch), int(bool(level))
        return [int(self._radio.is_hot_plug_on), self._radio.hot_plug_level], b""

    # ---- net -------------------------------------------------------------------------------------------------------

    def _net_state(self, call: Call) -> Answer:
        """[state, area, cell, technology, cause, code] for voice and for data."""
        del call
        radio, cell = self._radio, self._radio.plan.cell
        if radio.is_registered:
            one = [radio.registration, cell.lac, cell.cid, cell.rat, 0, cell.pci]
        else:
            cause = cell.cause if radio.registration == radio_plan.REGISTRATIONS["denied"] else 0
            one = [radio.registration, 0, 0, cell.rat, cause, 0]
        return [one, list(one)], b""

    def _net_signal(self, call: Call) -> Answer:
        """{csq, gsm: [rssi, ber, rscp, ecno], lte: [rssi, rsrp, rsrq, cqi, sinr]}; 99 and 255 for unknown."""
        del call
        radio, cell, now = self._radio, self._radio.cell, self._radio.clock.tick_s()
        dbm = cell.dbm(now) if radio.is_listening else None
        gsm, lte = [NO_SIGNAL, NO_SIGNAL, UNKNOWN, UNKNOWN], [NO_SIGNAL, NO_SIGNAL, UNKNOWN, UNKNOWN, UNKNOWN]
        if dbm is not None and radio.plan.cell.rat in {7, 9}:
            rsrq, sinr = cell.rsrq(now), cell.sinr(now)
            lte = [round(dbm), cell.rsrp(now) or NO_SIGNAL, rsrq or UNKNOWN, UNKNOWN, UNKNOWN if sinr is None else sinr]
        elif dbm is not None:
            gsm = [round(dbm), 0, UNKNOWN, UNKNOWN]
        return {"csq": radio.rssi, "gsm": gsm, "lte": lte}, b""

    def _net_operator(self, call: Call) -> Answer:
        del call
        cell = self._radio.plan.cell
        if not self._radio.is_registered:
            return FAILED, b""
        return [cell.operator, cell.short_name, cell.mcc, cell.mnc, cell.rat], b""

    def _net_cells(self, call: Call) -> Answer:
        """Tuples of (flag, cid, mcc, mnc, pci or psc, area, channel, level, quality, sinr), the serving cell first."""
        del call
        radio, now = self._radio, self._radio.clock.tick_s()
        cell = radio.plan.cell
        rsrp = radio.cell.rsrp(now) if radio.is_listening and radio.cell.is_heard(now) else None
        if rsrp is None:
            return {"rat": cell.rat, "cells": []}, b""
        quality, sinr = radio.cell.rsrq(now), radio.cell.sinr(now)
        cells = [[0, cell.cid, cell.mcc, cell.mnc, cell.pci, cell.lac, cell.earfcn, rsrp, quality, sinr]]
        for one in cell.neighbours[:32]:
            flag = 2 if one.earfcn == cell.earfcn else 3
            cells.append([flag, one.cid, one.mcc, one.mnc, one.pci, one.tac, one.earfcn, one.rsrp, quality, UNKNOWN])
        return {"rat": cell.rat, "cells": cells}, b""

    def _net_nitz(self, call: Call) -> Answer:
        """[date and time in UTC, zone in quarters, Unix time]; -1 before the first registration."""
        del call
        nitz_s = self._radio.nitz_s
        if nitz_s is None:
            return FAILED, b""
        moment = time.strftime("%y/%m/%d %H:%M:%S", time.gmtime(nitz_s))
        return [moment, self._radio.plan.cell.zone_quarters, int(nitz_s)], b""

    def _net_config(self, call: Call) -> Answer:
        """[mode, roaming]; set when ``mode`` is not negative; -1 when the mode cannot be."""
        mode, roaming, cell = fact(call, "mode", int), fact(call, "roaming", int), self._radio.cell
        wanted = None if roaming < 0 else bool(roaming)
        if mode >= 0 and not self._radio.set_mode(mode, is_roaming_wanted=wanted):
            return FAILED, b""
        return [cell.mode, cell.is_roaming_wanted], b""

    def _net_fun(self, call: Call) -> Answer:
        """Functionality; set when ``level`` is not negative; -1 when there is no such level."""
        level = fact(call, "level", int)
        if level >= 0 and not self._radio.set_functionality(level):
            return FAILED, b""
        return self._radio.functionality, b""

    # ---- data calls ------------------------------------------------------------------------------------------------

    def _profile(self, call: Call) -> int:
        profile = fact(call, "profile", int)
        if not 1 <= profile <= MAX_PROFILE:
            raise BadFrameError("no such profile")
        return profile

    def _access(self, call: Call) -> Access:
        ip_type, auth = fact(call, "ip_type", int), fact(call, "auth", int)
        if not 0 <= ip_type <= BOTH or not 0 <= auth <= 3:
            raise BadFrameError("no such way to log in")
        return Access(ip_type, _text(call, "apn", 99), _text(call, "user", 64), _text(call, "password", 64), auth)

    def _data_start(self, call: Call) -> Answer:
        profile, is_patient = self._profile(call), fact(call, "is_patient", bool)
        return self._radio.data.dial(profile, self._access(call), is_patient=is_patient), b""

    def _data_boot(self, call: Call) -> Answer:
        """The data call of power-on: with what the user's file says, or ``profile`` 0 for the saved or none."""
        if fact(call, "profile", int) == 0:
            for profile in range(1, MAX_PROFILE + 1):
                if self._radio.data.activates.get(profile, profile == 1):
                    self._radio.data.dial_at_boot(profile, None)
        else:
            self._radio.data.dial_at_boot(self._profile(call), self._access(call))
        return OK, b""

    def _data_info(self, call: Call) -> Answer:
        """[[state, reconnect, address, dns, dns] of IPv4, the same of IPv6]."""
        legs = [self._radio.data.leg(self._profile(call), family) for family in (V4, V6)]
        return [[leg.state, 0, leg.address, *leg.dns] for leg in legs], b""

    def _data_stop(self, call: Call) -> Answer:
        profile = self._profile(call)
        if self._radio.data[profile].state == "down":
            return FAILED, b""
        self._radio.data.hang_up(profile)
        return OK, b""

    def _data_apn(self, call: Call) -> Answer:
        return self._radio.data.apn(self._profile(call)) if self._is_card_ready else FAILED, b""

    def _data_access(self, call: Call) -> Answer:
        """[ip type, apn, user, password, auth]; saved first when ``is_new``."""
        profile = self._profile(call)
        if fact(call, "is_new", bool):
            self._radio.data.save_access(profile, self._access(call))
        access = self._radio.data.saved.get(profile, self._radio.data[profile].access)
        return [access.ip_type, access.apn, access.user, access.password, access.auth], b""

    def _data_dns(self, call: Call) -> Answer:
        profile = self._profile(call)
        first, second = _address(_text(call, "first")), _address(_text(call, "second"))
        if self._radio.data[profile].state != "up" or not first or not second:
            return FAILED, b""
        self._radio.data[profile].dns = (first, second)
        return OK, b""

    def _data_auto(self, call: Call) -> Answer:
        """Whether a profile is dialled at power-on (``activate``) or again after it was lost (``connect``)."""
        profile, is_on, what = self._profile(call), fact(call, "is_on", bool), fact(call, "what", str)
        if what == "activate":
            self._radio.data.activates[profile] = is_on
        else:
            self._radio.data[profile].is_auto = is_on
        return OK, b""

    # ---- sms -------------------------------------------------------------------------------------------------------

    def _sms_send(self, call: Call) -> Answer:
        text = call.data[:MAX_TEXT].decode("utf-8", "replace")
        is_sent = self._radio.messages.send(_text(call, "number", 20), text, _text(call, "coding", 8))
        return OK if is_sent else FAILED, b""

    def _sms_read(self, call: Call) -> Answer:
        """[number, text, PDU] of one message; -1 when there is none."""
        message = self._radio.messages.read(fact(call, "index", int)) if self._is_card_ready else None
        if message is None:
            return FAILED, b""
        return [message.sender, message.text, sms_pdu.encode_deliver(message)], b""

    def _sms_delete(self, call: Call) -> Answer:
        is_done = self._radio.messages.delete(fact(call, "index", int), is_all=fact(call, "is_all", bool))
        return OK if is_done and self._is_card_ready else FAILED, b""

    def _sms_places(self, call: Call) -> Answer:
        """[[store, used, room] for reading, writing, receiving]; set first when names are given."""
        names = _text(call, "names", 20)
        if not self._is_card_ready or (names and not self._radio.messages.set_locations(*names.split(","))):
            return FAILED, b""
        return self._radio.messages.usage, b""

    def _sms_centre(self, call: Call) -> Answer:
        """The centre's number; set first when one is given."""
        number = _text(call, "number", 21)
        if not self._is_card_ready:
            return FAILED, b""
        if number:
            if not number.removeprefix("+").isdigit() or not number.isascii():
                return FAILED, b""
            self._radio.sim.centre = number
        return self._radio.sim.centre, b""

    def _sms_decode(self, call: Call) -> Answer:
        """[number, text, time] of a PDU; -1 when it is none."""
        try:
            message = sms_pdu.decode_deliver(_text(call, "pdu", 2 * sms_pdu.MAX_PDU_BYTES))
        except sms_pdu.BadPduError:
            return FAILED, b""
        return [message.sender, message.text, message.time], b""

    def _sms_length(self, call: Call) -> Answer:
        """Bytes of a PDU without the centre; -1 when it is none. What is behind the centre is not looked at."""
        try:
            return sms_pdu.tpdu_bytes(_text(call, "pdu", 2 * sms_pdu.MAX_PDU_BYTES)), b""
        except sms_pdu.BadPduError:
            return FAILED, b""


def _address(text: str) -> str:
    """The address in its usual form; empty when it is none."""
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return ""


def _text(call: Call, name: str, most: int = 64) -> str:
    """A text of a question, of a length that cannot hurt.

    Raises:
        BadFrameError: it is no text, or too long; the child is not to be trusted.
    """
    text = fact(call, name, str)
    if len(text) > most:
        raise BadFrameError(f"{call.facts['op']}: {name} has {len(text)} characters")
    return text
