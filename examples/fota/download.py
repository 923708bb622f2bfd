"""Let the firmware download an update and restart by itself; a set of two needs both addresses."""

import fota

SERVER = "http://127.0.0.1:8123/"


def show(args):
    print("status", args[0], "percent", args[1])


print(fota().httpDownload(url1=SERVER + "both_1.bin", url2=SERVER + "both_2.bin", callback=show))
