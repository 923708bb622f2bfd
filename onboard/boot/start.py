"""From the first line in the child to the command loop: takes the interpreter over and makes it the module's.

Order: host file system away, channels, partitions, built-ins, import, then the device's own boot sequence
(``startup``), then commands until the end.
"""

import sys

import vfs

from boot import channel, events, files, finder, loop, native, probes, startup, words
from boot.state import is_protected, life

COMMAND_FD, FLASH_FD, CALL_FD, EVENT_FD = 3, 4, 5, 6


def run(g, facts):
    """Be the module until the supervisor goes away."""
    rom = _unmount_all()
    g.clear()
    g["__name__"] = "__main__"
    life.g = g
    life.facts = facts
    life.calls = channel.Calls(CALL_FD)
    life.events = events.Events(EVENT_FD)
    flash = channel.Channel(FLASH_FD)
    life.partitions = files.Partitions(flash, life.calls, facts["flash_at"], facts["flash_size"], facts["mounts"])
    life.protected = tuple(m["path"].strip("/") for m in facts["mounts"] if m["protected"])
    commands = loop.Loop(COMMAND_FD, g)
    imports = finder.Finder(rom)
    _take_over(imports)
    commands.tell(b"R", native.json.dumps({"drain": id(life.events.drain), "stage": "boot"}).encode())
    startup.run(g)
    commands.tell(b"R", native.json.dumps({"stage": "ready"}).encode())
    commands.run()


def _unmount_all():
    """Take every file system away; gives the ROM's."""
    rom = None
    for fs, path in vfs.mount():
        if path == "/rom":
            rom = fs
        vfs.umount(path)
    return rom


def _take_over(imports):
    sys.path[:] = [""]
    native.builtins.open = open_file
    native.builtins.help = words.make_help(imports.names)
    native.builtins.dir = words.dir
    native.builtins.__import__ = imports.find
    if life.facts["line_probes"]:
        probes.install()


def open_file(name, mode="r", *rest, **options):
    """The device's ``open``: paths only; a mode that the importer uses is spelt another way (see files.DeviceFs)."""
    if not isinstance(name, str):
        raise TypeError("can't convert '%s' object to str implicitly" % type(name).__name__)
    if mode in ("br", "tr") and is_protected(name):  # the module knows only r, rt and rb there
        return -1
    kinds = [letter for letter in mode if letter in "rwxa"]
    if len(kinds) > 1:
        raise ValueError("invalid mode")
    return native.open_file(name, "br" if mode == "rb" else mode)
