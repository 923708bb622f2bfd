# A water meter: reads its pulse counter over UART2 and says how well it hears the network.
import net
import utime
from machine import UART

uart = UART(UART.UART2, 9600, 8, 0, 1, 0)
for turn in range(3):
    uart.write("READ\r\n")
    utime.sleep_ms(300)
    print("meter", turn, "reading", uart.read(uart.any()), "csq", net.csqQueryPoll())
