"""What the module does before main.py, in the module's own words and with its own misspelling.

Source: device-api 2.2.
"""

import vfs

from boot import native
from boot.state import life

CONFIG = "/usr/system_config.json"
APN = "/usr/apn_cfg.json"


def run(g):
    """Mount, restore, update; whatever fails in there, the module goes on."""
    quiet = life.facts["quiet"]
    try:
        _mount(g)
        if not quiet:
            print("mount.")
        backup_restore = __import__("backup_restore")
        backup_restore.main()
        app_fota = __import__("app_fota")
        fota = app_fota.new()
        g["fota"] = fota
        fota.update()
    except Exception as fault:
        print("error ocurs in boot step.")
        life.calls.ask("notice", slug="virt.boot-step", reason=repr(fault))
    try:
        _apply_config(g)
    except Exception as fault:
        life.calls.ask("notice", slug="virt.boot-config", reason=repr(fault))


def _mount(g):
    names = ("udev", "bdev")
    for index, plan in enumerate(life.facts["mounts"]):
        fs = life.partitions.device_fs(plan["partition"], plan["protected"], twin)
        vfs.mount(fs, plan["path"])
        if index < len(names):
            g[names[index]] = fs
    if "/usr" in life.partitions.formatted:
        _write(APN, "{}")
    for name in ("gc", "uos", "ujson", "backup_restore", "app_fota", "misc"):
        g[name] = __import__(name)
    g["dial"] = Unmodelled("dial")
    g["dataCall"] = Unmodelled("dataCall")


def _apply_config(g):
    g["datacall_flag"] = 1
    try:
        with native.builtins.open(CONFIG) as file:
            config = native.json.load(file)
    except OSError:
        _write(CONFIG, native.json.dumps({"replFlag": 0}))
        return
    except ValueError:
        life.calls.ask("notice", slug="virt.bad-config", path=CONFIG)
        return
    g["datacall_flag"] = config.get("datacallFlag", 1)
    if config.get("replFlag", 0):
        life.calls.ask("repl_protect", is_on=True)


def _write(path, text):
    with native.builtins.open(path, "w") as file:
        file.write(text)


class Unmodelled:
    """A name that is there on a real module and says so here."""

    def __init__(self, name):
        self._name = name

    def __repr__(self):
        return "<module '%s'>" % self._name

    def __getattr__(self, attribute):
        raise NotImplementedError("%s.%s is not modelled by this virtual module yet" % (self._name, attribute))


def twin(path, data):
    """What the importer gets for a file: itself, or for bytecode of the real module its twin for this interpreter.

    A twin is kept by the supervisor under the file's SHA-256, made when the package was built.
    """
    if not path.endswith(".mpy") or data[:2] != b"M\x05":
        return data
    digest = native.hashlib.sha256(data).digest()
    name = "".join("%02x" % byte for byte in digest)
    found = b""
    while True:  # piece by piece
        size, piece = life.calls.ask_bytes("twin", b"", sha256=name, path=path, at=len(found))
        if size < 0:
            raise ImportError(
                "%s is bytecode version 5 and has no twin for the virtual module; build the package with moduline"
                % path
            )
        found += piece
        if len(found) >= size or not piece:
            return found
