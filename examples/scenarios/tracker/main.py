# A tracker: says where it is registered whenever that changes.
import net
import utime

last = None
while True:
    now = net.getState()[1][0]
    if now != last:
        print("tracker", now, net.operatorName())
        last = now
    utime.sleep(1)
