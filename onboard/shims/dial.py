"""``dial``: data calls as the firmware's own core has them; ``dataCall`` is made of it.

Modelled: calls on every profile, both address families, addresses and name servers, the callback, calls that wait for
the network (``setAsynMode``), calls that come back (``setAutoConnect``). A call that does not wait, the usual form,
ends when the network has answered, or at once when the module is not registered.

Source: device-api 9.4; QuecPython/microPython ``moddatacall.c`` (order, words of the errors).
"""

import utime as _utime

from boot.state import life as _life
from shims.given import in_range as _in_range
from shims.given import int_of as _int_of
from shims.given import text_of as _text_of

_ORDER = "start setAutoConnect getInfo setCallback recordApn setAsynMode getPdpRange getApn".split()
_APN_BYTES = 63
_POLL_MS = 5
_is_patient = [False]

_ask = _life.calls.ask


def _profile(value):
    return _in_range(value, 1, _life.facts["pdp_profiles"], "profileIdx")


def _access(profile, ip_type, apn, user, password, auth):
    """The facts of a way to log in, checked in the firmware's order."""
    most = _life.facts["account_bytes"]
    apn, user, password = _text_of(apn), _text_of(user), _text_of(password)
    return {
        "profile": _profile(profile),
        "ip_type": _in_range(ip_type, 0, 2, "ipTpye"),
        "auth": _in_range(auth, 0, 2, "authType"),
        "apn": _text_of(apn, max(_APN_BYTES, most), "apn"),
        "user": _text_of(user, most, "username"),
        "password": _text_of(password, most, "password"),
    }


def start(profile, ip_type, apn, user, password, auth=0):
    access = _access(profile, ip_type, apn, user, password, auth)
    if not _ask("data_start", is_patient=_is_patient[0], **access):
        return -1
    while not _is_patient[0]:
        state = _ask("data_state", profile=access["profile"])
        if state != "dialling":
            return 0 if state == "up" else -1
        _utime.sleep_ms(_POLL_MS)
    return 0


def getInfo(profile, ip_type):
    profile, ip_type = _profile(profile), _in_range(ip_type, 0, 2, "ipTpye")
    legs = _ask("data_info", profile=profile)
    return (profile, ip_type, legs[0], legs[1]) if ip_type == 2 else (profile, ip_type, legs[ip_type])


def setAutoConnect(profile, enable=1):
    return _ask("data_auto", profile=_profile(profile), what="connect", is_on=bool(enable))


def recordApn(profile, ip_type, apn, user, password, auth=0, kind=0):
    """The way to log in that a later call of the modem itself uses."""
    _ask("data_access", is_new=True, **_access(profile, ip_type, apn, user, password, auth))
    return 0


def setAsynMode(mode):
    _is_patient[0] = bool(mode)
    return 0


def setCallback(function):
    _life.events.listen("data_call", None if function is None else lambda told: function(tuple(told)))
    return _ask("radio_listen", key="data_call", is_on=function is not None)


def getPdpRange():
    return (1, _life.facts["pdp_profiles"])


def getApn(simid, profile=1):
    return _ask("data_apn", profile=_profile(profile)) if _int_of(simid) == 0 else -1
