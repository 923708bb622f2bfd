"""``net``: registration, signal, cells, network time, functionality.

Modelled: everything the radio of a scenario tells, ``setCallback`` for changes of the registration, ``setModemFun``
(the same as ``AT+CFUN``), access points. Not modelled: choosing a band, manual selection of a network.

Source: device-api 9.3; QuecPython/microPython ``modnet.c`` (order, the callback's tuple); DOC23 and WIKI ``net``.
"""

from boot.state import life as _life
from shims.given import int_of as _int_of
from shims.given import text_of as _text_of

_ORDER = (
    "csqQueryPoll getState getConfig setConfig nitzTime operatorName getNetMode getSignal getCellInfo getCi getLac "
    "getMnc getMcc getServingCi getServingLac getServingMnc getServingMcc setModemFun getModemFun setApn getApn "
    "setCallback"
).split()
_NONE = -1
_GSM = (0, 1, 3)
_LTE = (7, 9)
_ACCESS_BYTES = 64

_ask = _life.calls.ask


def csqQueryPoll():
    return _ask("net_signal")["csq"]


def getState():
    return tuple(_ask("net_state"))


def getConfig():
    return tuple(_ask("net_config", mode=-1, roaming=-1))


def setConfig(mode, roaming=None):
    mode = _int_of(mode)
    if mode < 0 or roaming not in (None, 0, 1):
        return -1
    done = _ask("net_config", mode=mode, roaming=-1 if roaming is None else int(roaming))
    return -1 if done == _NONE else 0


def nitzTime():
    told = _ask("net_nitz")
    if told == _NONE:
        return -1
    date, quarters, seconds = told
    zone = "%+d" % quarters if _life.facts["is_nitz_in_quarters"] else "%d" % (quarters // 4)
    return ("%s %s 0" % (date, zone), seconds, 0)


def operatorName():
    told = _ask("net_operator")
    return -1 if told == _NONE else tuple(told[:4])


def getNetMode():
    told = _ask("net_operator")
    return -1 if told == _NONE else (0, told[2], told[3], told[4])


def getSignal(sinr=0):
    told = _ask("net_signal")
    return (told["gsm"], told["lte"] if sinr else told["lte"][:4])


def _mcc(text):
    return int(text, 16) if _life.facts["is_mcc_hex"] else int(text)


def getCellInfo(sinr=0):
    told = _ask("net_cells")
    lists = ([], [], [])
    for flag, cid, mcc, mnc, code, area, channel, level, quality, noise in told["cells"]:
        place = (flag, cid, _mcc(mcc), int(mnc))
        if told["rat"] in _LTE:
            lists[2].append(place + (code, area, channel, level, quality) + ((noise,) if sinr else ()))
        elif told["rat"] in _GSM:
            lists[0].append(place + (area, channel, code & 63, level))
        else:
            lists[1].append((flag, cid, 0) + place[2:] + (area, channel, code, level))
    return lists


def _column(place):
    """That value of every cell, the serving one first."""
    return [cell[place] for cell in _ask("net_cells")["cells"]]


def _first(values):
    return values[0] if values else -1


def getCi():
    return _column(1)


def getMcc():
    return [_mcc(text) for text in _column(2)]


def getMnc():
    return [int(text) for text in _column(3)]


def getLac():
    return _column(5)


def getServingCi():
    return _first(getCi())


def getServingMcc():
    return _first(getMcc())


def getServingMnc():
    return _first(getMnc())


def getServingLac():
    return _first(getLac())


def getModemFun():
    return _ask("net_fun", level=-1)


def setModemFun(level, restart=0):
    level = _int_of(level)
    if level not in (0, 1, 4) or restart not in (0, 1):
        return -1
    _ask("net_fun", level=level)
    if restart:
        import misc

        misc.Power.powerRestart()
    return 0


def setApn(*given):
    if len(given) not in (2, 7):
        raise TypeError("function expected 2 or 7 arguments, got %d" % len(given))
    if given[-1] != 0:
        return -1
    if len(given) == 2:
        given = (1, 0, given[0], "", "", 0, 0)
    profile, ip_type, auth = _int_of(given[0]), _int_of(given[1]), _int_of(given[5])
    texts = [_text_of(text) for text in given[2:5]]
    if not 1 <= profile <= _life.facts["pdp_profiles"] or not 0 <= ip_type <= 2 or not 0 <= auth <= 2:
        return -1
    if max(len(text.encode()) for text in texts) > _ACCESS_BYTES:
        return -1
    apn, user, password = texts
    _ask("data_access", profile=profile, is_new=True, ip_type=ip_type, apn=apn, user=user, password=password, auth=auth)
    return 0


def getApn(*given):
    if len(given) not in (1, 2):
        raise TypeError("function expected 1 or 2 arguments, got %d" % len(given))
    if given[-1] != 0:
        return -1
    if len(given) == 1:
        return _ask("data_apn", profile=1)
    profile = _int_of(given[0])
    if not 1 <= profile <= _life.facts["pdp_profiles"]:
        return -1
    return tuple(_ask("data_access", profile=profile, is_new=False))


def setCallback(function):
    _life.events.listen("net", None if function is None else lambda told: function(tuple(told)))
    return _ask("radio_listen", key="net", is_on=function is not None)
