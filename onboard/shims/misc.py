"""``misc``: power and REPL protection.

Source: device-api 2.5, 3.6, 10.6.
"""

from boot import native as _native
from boot.state import life as _life


class Power:
    """Power state of the module."""

    @staticmethod
    def powerDown():
        _leave("down")

    @staticmethod
    def powerRestart():
        _leave("restart")

    @staticmethod
    def powerOnReason():
        return _life.facts["power_on_reason"]

    @staticmethod
    def getVbatt():
        return _life.facts["battery_mv"]


if _life.facts["has_power_down_reason"]:
    Power.powerDownReason = staticmethod(lambda: _life.facts["power_down_reason"])


def replEnable(flag, password=""):
    """Until the next reset; ``system.replSetEnable`` lasts. The password is a SHA-256 in hex, 2 asks for the status."""
    if flag == 2 and _life.facts["has_repl_password"]:
        return _life.calls.ask("repl_status")
    _life.calls.ask("repl_protect", is_on=bool(flag), password=password)
    return 0


def _leave(how):
    """Ask for it and wait: the supervisor ends this process."""
    _life.calls.ask("power", how=how)
    while True:
        _native.time.sleep(1)


def __getattr__(name):
    if name in ("ADC", "PWM", "PowerKey", "USB", "USBNET", "PWM_V2"):
        raise NotImplementedError("misc.%s is not modelled by this virtual module yet" % name)
    raise AttributeError("'module' object has no attribute '%s'" % name)
