"""``machine``: what is on the module's board; each class says in its own file what is modelled.

Modelled: ``Pin``, ``ExtInt``, ``UART``, ``SPI``, ``I2C``, ``I2C_simulation``, ``Timer``, ``RTC``, ``WDT``, ``KeyPad``,
and ``soft_reset``, ``unique_id``, ``idle`` for the tools of other boards. Not modelled: ``LCD``, ``NandFlash``,
``NetLed``, ``OneWire``, ``SoftSPI``: they raise.

Source: device-api 10.5, 10.6; QuecPython/microPython ``modmachine.c``.
"""

from boot import native as _native
from boot.state import life as _life
from shims.bus_masters import I2C, SPI, I2C_simulation
from shims.matrix_keys import KeyPad
from shims.pin_lines import ExtInt, Pin
from shims.serial_ports import UART
from shims.timekeepers import RTC, WDT, Timer

_ORDER = "Pin ExtInt UART SPI I2C I2C_simulation Timer RTC WDT KeyPad soft_reset unique_id idle".split()
_UNMODELLED = "LCD NandFlash NANDFLASH NetLed OneWire SoftSPI".split()
_CLASSES = (Pin, ExtInt, UART, SPI, I2C, I2C_simulation, Timer, RTC, WDT, KeyPad)


def soft_reset():
    raise SystemExit


def unique_id():
    return _life.facts["imei"].encode()


idle = _native.machine.idle


def __getattr__(name):
    if name in _UNMODELLED:
        raise NotImplementedError("machine.%s is not modelled by this virtual module yet" % name)
    raise AttributeError("'module' object has no attribute '%s'" % name)
