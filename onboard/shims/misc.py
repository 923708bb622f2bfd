"""``misc``: power, keys, plugs, analogue pins and REPL protection; the classes say in their files what is modelled.

Modelled: ``Power``, ``PowerKey``, ``USB``, ``USBNET``, ``ADC``, ``PWM``, ``PWM_V2``, ``replEnable``. Not modelled:
``Temperature``, ``antennaSecRXOffCtrl``: they raise.

Source: device-api 2.5, 3.6, 10.6; QuecPython/microPython ``modmisc.c``, ``misc_power.c``.
"""

from boot import native as _native
from boot.state import life as _life
from shims.analogue import ADC, PWM, PWM_V2
from shims.plugs import USB, USBNET, PowerKey

_ORDER = "Power ADC PowerKey replEnable PWM PWM_V2 USB USBNET".split()
_UNMODELLED = ("Temperature", "antennaSecRXOffCtrl")
_CLASSES = (ADC, PWM, PWM_V2, USB, USBNET, PowerKey)


class Power:
    """Power state of the module."""

    @staticmethod
    def powerDown(*_):
        _leave("down")

    @staticmethod
    def powerRestart(*_):
        _leave("restart")

    @staticmethod
    def powerOnReason():
        return _life.facts["power_on_reason"]

    @staticmethod
    def getVbatt():
        return _life.calls.ask("battery_mv")


if _life.facts["has_power_down_reason"]:
    Power.powerDownReason = staticmethod(lambda: _life.facts["power_down_reason"])


def replEnable(flag, password=""):
    """Until the next reset; ``system.replSetEnable`` lasts. The password is a SHA-256 in hex, 2 asks for the status."""
    if flag == 2 and _life.facts["has_repl_password"]:
        return _life.calls.ask("repl_status")
    if flag not in (0, 1):
        return -1
    _life.calls.ask("repl_protect", is_on=bool(flag), password=password)
    return 0


def _leave(how):
    """Ask for it and wait: the supervisor ends this process."""
    _life.calls.ask("power", how=how)
    while True:
        _native.time.sleep(1)


def __getattr__(name):
    if name in _UNMODELLED:
        raise NotImplementedError("misc.%s is not modelled by this virtual module yet" % name)
    raise AttributeError("'module' object has no attribute '%s'" % name)
