"""``dataCall``: data calls, and the files that say what is dialled at power-on.

Modelled: the older form (``start``, ``setApn``, ``startByUserApns`` ...) and the newer one (``setPDPContext``,
``activate`` ...). Not modelled: what a real network may charge for it.

Source: device-api 9.4, 15; DOC23 and WIKI ``dataCall``.
"""

import dial as _dial
import ujson as _ujson

from boot.state import life as _life

_ORDER = (
    "start", "getInfo", "setCallback", "getApn", "setAsynMode", "setAutoConnect", "recordApn", "setApn",
    "setDnsserver", "setDNSServer", "startByUserApns", "poweronAutoDatacall", "setPDPContext", "getPDPContext",
    "activate", "deactivate", "stop", "setAutoActivate",
)  # fmt: skip

_USER_APN = "/usr/user_apn.json"
_CONFIG = "/usr/system_config.json"
_NEW_PROFILES = (1, 2, 3)
_STAGE_LIMIT_S = 60

_ask = _life.calls.ask

start = _dial.start
getInfo = _dial.getInfo
setCallback = _dial.setCallback
getApn = _dial.getApn
setAsynMode = _dial.setAsynMode
setAutoConnect = _dial.setAutoConnect
recordApn = _dial.recordApn


def setApn(profile, iptype, apn, username, password, authtype, flag=0):
    always = _life.facts["set_apn_form"] == "dials"
    if not always:
        _dial._access(profile, iptype, apn, username, password, authtype)
    kept = {
        "pdp": str(profile), "iptype": str(iptype), "apn": apn, "user": username, "password": password,
        "authtype": str(authtype),
    }  # fmt: skip
    with open(_USER_APN, "w") as file:
        file.write(_ujson.dumps(kept))
    return start(profile, iptype, apn, username, password, authtype) if always or flag == 1 else 0


def setDnsserver(profile, simid, first, second):
    profile = _dial._profile(profile)
    return _ask("data_dns", profile=profile, first=str(first)[:64], second=str(second)[:64]) if simid == 0 else -1


setDNSServer = setDnsserver


def startByUserApns(apn_dict=None, filename=None):
    """Wait for card and network, then try one after the other; (3, 0) when a call is up already."""
    import checkNet

    if apn_dict is None:
        with open(filename) as file:
            apn_dict = _ujson.load(file)
    stage, state, _ = checkNet._until_registered(_STAGE_LIMIT_S)
    if stage != 3:
        return (stage, state)
    if _ask("data_any"):
        return (3, 0)
    for one in apn_dict.values():
        names = ("profileIdx", "ipType", "apn", "username", "password", "authType")
        if start(*[one[name] for name in names]) == 0:
            return (3, 1)
    return (3, -1)


def poweronAutoDatacall(enable):
    config = {"replFlag": 0}
    try:
        with open(_CONFIG) as file:
            config = _ujson.load(file)
    except (OSError, ValueError):
        config = {"replFlag": 0}  # gone or damaged: as a first boot writes it
    config["datacallFlag"] = int(enable)
    with open(_CONFIG, "w") as file:
        _ujson.dump(config, file)


def setPDPContext(profile, iptype, apn, username, password, authtype):
    texts = (apn, username, password)
    if profile not in _NEW_PROFILES or iptype not in (0, 1, 2) or authtype not in (0, 1, 2):
        return -1
    if not all(isinstance(text, str) and len(text.encode()) <= 64 for text in texts):
        return -1
    if username and password and not authtype:
        authtype = 2
    elif not username and not password:
        authtype = 0
    _ask(
        "data_access", profile=profile, is_new=True, ip_type=iptype, apn=apn, user=username, password=password,
        auth=authtype,
    )  # fmt: skip
    return 0


def getPDPContext(profile):
    return tuple(_ask("data_access", profile=profile, is_new=False)) if profile in _NEW_PROFILES else -1


def activate(profile):
    context = getPDPContext(profile)
    return -1 if context == -1 else start(profile, *context)


def deactivate(profile):
    return _ask("data_stop", profile=profile) if profile in _NEW_PROFILES else -1


def stop(profile):
    return _ask("data_stop", profile=_dial._profile(profile))


def setAutoActivate(profile, enable):
    if profile not in _NEW_PROFILES or enable not in (0, 1):
        return -1
    return _ask("data_auto", profile=profile, what="activate", is_on=bool(enable))
