"""``machine.I2C``, ``machine.I2C_simulation`` and ``machine.SPI``.

Modelled: transfers with the devices of the bench; an address where nothing is wired gives -1. Not modelled: speed,
clock stretching, the ``delay`` of a read (devices here answer at once), chip select, and that the source of 2021 ends
``write_read`` at the first zero byte.

Source: QuecPython/microPython ``machine_iic.c``, ``machine_iic_simulation.c``, ``machine_hw_spi.c``.
"""

from boot.state import life as _life


class _I2cMaster:
    """What both kinds of I2C do."""

    STANDARD_MODE = 0
    FAST_MODE = 1

    def write(self, slaveaddr, regaddr, regaddr_len, databuf, datasize):
        address = bytes(regaddr)[:regaddr_len]
        data = address + bytes(databuf)[:datasize]
        facts = {"bus": self._bus, "address": slaveaddr, "address_size": len(address)}
        return _life.calls.ask_bytes("i2c_write", data, **facts)[0]

    def read(self, slaveaddr, regaddr, regaddr_len, databuf, datasize, delay=0):
        address = bytes(regaddr)[:regaddr_len]
        facts = {"bus": self._bus, "address": slaveaddr, "address_size": len(address)}
        size = min(datasize, len(databuf))
        result, data = _life.calls.ask_bytes("i2c_read", address, size=size, **facts)
        databuf[: len(data)] = data
        return result


class I2C(_I2cMaster):
    """A hardware bus."""

    I2C0 = 0
    I2C1 = 1
    I2C2 = 2
    I2C3 = 3

    def __init__(self, id, fastmode):
        if not 0 <= id <= 3:
            raise ValueError("bus id must be (0~3)")
        self._bus = "i2c%d" % id

    def __repr__(self):
        return "I2C" + self._bus[3:]


class I2C_simulation(_I2cMaster):
    """A bus on two GPIOs."""

    def __init__(self, scl, sda, frq):
        if not 0 < frq <= 1000000 or not 0 <= scl < 48 or not 0 <= sda < 48:
            raise ValueError("Parameter setting error, please check")
        self._bus = "gpio%d+%d" % (scl, sda)
        self._frequency = frq

    def __repr__(self):
        scl, sda = self._bus[4:].split("+")
        return "I2C scl_gpio:%s, sda_gpio:%s, freq:%dHz\n" % (scl, sda, self._frequency)


class SPI:
    """A serial peripheral bus; there is one device on each port."""

    def __init__(self, port, mode, clk):
        if not 0 <= port <= 3:
            raise ValueError("port must be (0~3)")
        if not 0 <= mode <= 3:
            raise ValueError("mode must be (0~3)")
        if not 0 <= clk <= 9:
            raise ValueError("clk must be (0~6)")
        self._bus = "spi%d" % port

    def write(self, databuf, datasize):
        return self._transfer(bytes(databuf)[:datasize], None, 0)

    def read(self, databuf, datasize):
        return self._transfer(b"", databuf, min(datasize, len(databuf)))

    def write_read(self, readbuf, writebuf, datasize):
        return self._transfer(bytes(writebuf), readbuf, min(datasize, len(readbuf)))

    def _transfer(self, sent, into, size):
        result, data = _life.calls.ask_bytes("spi", sent, bus=self._bus, size=size)
        if into is not None:
            into[: len(data)] = data
        return result

    def __repr__(self):
        return self._bus


for _number in range(48):
    setattr(I2C_simulation, "GPIO%d" % _number, _number)
