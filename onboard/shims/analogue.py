"""``misc.ADC``, ``misc.PWM`` and ``misc.PWM_V2``.

Modelled: voltages of the bench in millivolts; PWM outputs as the bench sees them. Not modelled: resolution, noise and
range of the converter, and which channels a model has.

Source: QuecPython/microPython ``misc_adc.c``, ``misc_pwm.c``; the vendor's pages of ``misc.ADC``, ``misc.PWM`` and
``misc.PWM_V2`` (frequency and duty).
"""

from boot.state import life as _life

_CHANNELS = 4
_MOST = 65535
_outputs = {}


class ADC:
    """The analogue inputs."""

    ADC0 = 0
    ADC1 = 1
    ADC2 = 2
    ADC3 = 3

    def open(self):
        return 0

    def read(self, ADCn):
        return _life.calls.ask("adc_read", channel=ADCn) if 0 <= ADCn < _CHANNELS else -1

    def close(self):
        return 0


class PWM:
    """A pulse width modulated output; the same number gives the same object."""

    PWM0 = 0
    PWM1 = 1
    PWM2 = 2
    PWM3 = 3
    ABOVE_1US = 0
    ABOVE_MS = 1
    ABOVE_10US = 2
    ABOVE_BELOW_US = 3
    _UNIT_US = (1, 1000, 1, 1 / 13)  # below a microsecond, times are counted in periods of 13 MHz

    def __new__(cls, number, *settings):
        return _outputs[number] if number in _outputs else super().__new__(cls)

    def __init__(self, number, cycle_range, high_time, cycle_time):
        if not 0 <= number < _CHANNELS:
            raise ValueError("invalid PWMn value, must be in {0~3}.")
        if cycle_range not in (0, 1, 2, 3):
            raise ValueError("invalid cycle_range value, must be in {0:us or 1:ms or 2:10us}")
        if not 0 < high_time < _MOST:
            raise ValueError("invalid high_time value, must be in {0~65535}")
        if not 0 < cycle_time < _MOST:
            raise ValueError("invalid cycle_time value, must be in {0~65535}")
        if high_time > cycle_time:
            raise ValueError("invalid high_time value, must less more cycle_time or be equal to cycle_time")
        self._number, self._range, self._high, self._cycle = number, cycle_range, high_time, cycle_time
        _outputs[number] = self

    def open(self):
        unit = self._UNIT_US[self._range]
        return _switch(self._number, True, self._high * unit, self._cycle * unit)

    def close(self):
        return _switch(self._number, False, 0, 1)

    def __repr__(self):
        return "PWM(pin:%d high time:%d cycle_time:%d)" % (self._number, self._high, self._cycle)


class PWM_V2:
    """The same output by frequency in hertz and duty in percent."""

    PWM0 = 0
    PWM1 = 1
    PWM2 = 2
    PWM3 = 3

    def __init__(self, number, frequency, duty):
        if not 0 <= number < _CHANNELS or frequency <= 0 or not 0 <= duty <= 100:
            raise ValueError("invalid value")
        self._number, self._frequency, self._duty = number, frequency, duty

    def open(self, frequency=None, duty=None):
        self._frequency = frequency or self._frequency
        self._duty = self._duty if duty is None else duty
        period = 1000000 / self._frequency
        return _switch(self._number, True, period * self._duty / 100, period)

    def close(self):
        return _switch(self._number, False, 0, 1)


def _switch(channel, is_on, high_us, period_us):
    return _life.calls.ask("pwm", channel=channel, is_on=is_on, high_us=float(high_us), period_us=float(period_us))
