"""``misc.PowerKey``, ``misc.USB`` and ``misc.USBNET``.

Modelled: the power key as the bench presses it, the USB supply as the bench plugs it, USBNET's settings as facts. Not
modelled: that a long press switches the module off, and a network card on the host's side.

Source: QuecPython/microPython ``misc_powerkey.c``, ``misc_usb.c``, ``misc_usbnet.c``; the vendor's pages of the three
(EC200U and EC600U hear of a press only when it is over and lasted half a second).
"""

from boot.state import life as _life
from shims import ticking as _ticking

_LONG_S = 0.5
_heard = {}


def _hear_key(news):
    state, held_s = news
    if _life.facts.get("is_power_key_heard_on_release") and (state or held_s < _LONG_S):
        return
    _ticking.call(_heard.get("power_key"), state)


def _hear_usb(status):
    _ticking.call(_heard.get("usb"), status)


class PowerKey:
    """The power key."""

    def powerKeyEventRegister(self, usrFun):
        _heard["power_key"] = usrFun
        _life.events.listen("power_key", _hear_key)
        return 0


class USB:
    """The USB plug."""

    def getStatus(self):
        return _life.calls.ask("usb_status")

    def setCallback(self, usrFun):
        _heard["usb"] = usrFun
        _life.events.listen("usb", _hear_usb)
        return 0


class _UsbNet:
    """The network card the module can be for a host; a name space, no class to be called."""

    Type_ECM = 1
    Type_RNDIS = 3

    def __init__(self):
        self._type = self.Type_ECM
        self._is_open = False

    def set_worktype(self, type):
        if type not in (self.Type_ECM, self.Type_RNDIS):
            raise ValueError("USBNET type must be Type_ECM or Type_RNDIS.")
        self._type = type
        _life.calls.ask("bench_note", what="usbnet", name="type", value=type)
        return 0

    def get_worktype(self):
        return self._type

    def get_status(self):
        return 1 if self._is_open else 0

    def open(self):
        return self._switch(True)

    def close(self):
        return self._switch(False)

    def _switch(self, is_open):
        self._is_open = is_open
        _life.calls.ask("bench_note", what="usbnet", name="open", value=1 if is_open else 0)
        return 0

    def __repr__(self):
        return "<module 'USBNET'>"


USBNET = _UsbNet()
