"""``sim``: the card of slot 0.

Modelled: identity, PIN and PUK, the phonebook, hot-plugging with its callback. Not modelled: ``genericAccess`` (raises)
and a second card: ``switchCard`` finds none.

Source: device-api 9.2; QuecPython/microPython ``modsim.c`` (order, words of the errors); DOC23 ``sim``.
"""

from boot.state import life as _life
from shims.given import in_range as _in_range
from shims.given import int_of as _int_of
from shims.given import text_of as _text_of

_ORDER = (
    "getImsi getIccid getPhoneNumber verifyPin changePin unblockPin enablePin disablePin getStatus readPhonebook "
    "writePhonebook setSimDet getSimDet setCallback genericAccess getCurSimid switchCard setSwitchcardCallback"
).split()
_PIN_BYTES = 15
_NAME_BYTES = 30
_NUMBER_BYTES = 20
_NONE = -1

_ask = _life.calls.ask


def getImsi():
    return _ask("sim_text", name="imsi")


def getIccid():
    return _ask("sim_text", name="iccid")


def getPhoneNumber():
    return _ask("sim_text", name="number")


def getStatus():
    return _ask("sim_status")


def _pin(act, first, second="", what="pin"):
    first = _text_of(first, _PIN_BYTES, what)
    return _ask("sim_pin", act=act, first=first, second=_text_of(second, _PIN_BYTES, "pin"))


def enablePin(pin):
    return _pin("enable", pin)


def disablePin(pin):
    return _pin("disable", pin)


def verifyPin(pin):
    return _pin("verify", pin)


def changePin(old, new):
    return _pin("change", old, new)


def unblockPin(puk, pin):
    return _pin("unblock", puk, pin, "puk")


def readPhonebook(storage, start, end, username=""):
    storage, start, end = _in_range(storage, 0, 15, "storage", "()"), _int_of(start), _int_of(end)
    if end < start:
        raise ValueError("invalid value, end >= start.")
    if end - start > 20:
        raise ValueError("invalid value, end - start <= 20.")
    name = _text_of(username, _NAME_BYTES, "username")
    found = _ask("sim_contacts", storage=storage, start=start, end=end, name=name)
    return found if found == _NONE else (len(found), [tuple(one) for one in found])


def writePhonebook(storage, index, username, number):
    return _ask(
        "sim_write_contact",
        storage=_in_range(storage, 0, 15, "storage", "()"),
        index=_in_range(index, 1, 500, "index", "()"),
        name=_text_of(username, _NAME_BYTES, "username"),
        number=_text_of(number, _NUMBER_BYTES, "phonenumber"),
    )


def setSimDet(switch, level):
    if switch not in (0, 1) or level not in (0, 1):
        return -1
    _ask("sim_detection", switch=int(switch), level=int(level))
    return 0


def getSimDet():
    return tuple(_ask("sim_detection", switch=-1, level=0))


def setCallback(function):
    _life.events.listen("sim", function)
    return _ask("radio_listen", key="sim", is_on=function is not None)


def genericAccess(simid, command):
    raise NotImplementedError("sim.genericAccess is not modelled by this virtual module yet")


def getCurSimid():
    return 0


def switchCard(simid):
    return -1  # as when the other card, or the wanted one, is not there


def setSwitchcardCallback(function):
    return 0  # no card is ever switched to, so it is never called
