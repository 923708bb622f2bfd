"""Hand an update package in the module's file system to the firmware; it is applied at the next restart.

The package is what `moduline delta make` or `moduline adiff` wrote, copied to /usr/FotaFile.bin.
"""

import fota
import uos

PATH = "/usr/FotaFile.bin"

update = fota()
size = uos.stat(PATH)[6]
with open(PATH, "rb") as package:
    while True:
        piece = package.read(4096)
        if not piece:
            break
        update.write(piece, size)
update.flush()
if update.verify() == 0:
    print("accepted: it is applied when the module restarts, as by Power.powerRestart()")
else:
    print("refused: nothing was changed")
