"""What ``import`` finds: the device's modules, then the interpreter's under names the device knows, then files.

The on-board modules lie in a ROM file system that is visible only while one of them is being loaded. Names a real
module has but this one does not model yet fail with a text that says so; names it does not have are not found.
"""

import sys

import vfs

from boot import native
from boot.state import life

# name on the device -> file in shims/; a name whose file is not in the ROM is refused as not modelled
_SHIMS = {
    "Qth": "cloud_qth",
    "SecureData": "secure_data",
    "_thread": "thread",
    "app_fota": "app_fota",
    "atcmd": "atcmd",
    "backup_restore": "backup_restore",
    "bak_util": "bak_util",
    "btree": "btree",
    "cellLocator": "cell_locator",
    "checkNet": "check_net",
    "checksum": "checksum",
    "dataCall": "data_call",
    "dial": "dial",
    "example": "example",
    "file_crc32": "file_crc32",
    "file_sha256": "file_sha256",
    "fota": "fota",
    "gc": "collector",
    "hashlib": "hashes",
    "io": "files_io",
    "log": "log",
    "machine": "hardware",
    "micropython": "interpreter",
    "misc": "misc",
    "modem": "modem",
    "net": "net",
    "ntptime": "ntp_time",
    "os": "system_os",
    "osTimer": "os_timer",
    "pm": "pm",
    "ql_fs": "ql_fs",
    "quecIot": "cloud_quec_iot",
    "queue": "queue",
    "request": "request",
    "securedata": "secure_data",
    "select": "stream_select",
    "sim": "sim",
    "sms": "sms",
    "socket": "sockets",
    "ssl": "tls_sockets",
    "sys": "system_sys",
    "sys_bus": "sys_bus",
    "system": "system",
    "time": "clock",
    "umqtt": "mqtt",
    "uping": "ping",
    "utils": "utils",
    "utimeq": "time_queue",
    "uzlib": "zlib_streams",
    "vfs": "mounts",
}

_ALIASES = {
    "uos": "os", "uio": "io", "usys": "sys", "utime": "time", "uhashlib": "hashlib", "usocket": "socket", "ussl": "ssl",
    "uselect": "select",
}  # fmt: skip

# what such a module calls itself
_CALLED = {
    "os": "uos", "io": "uio", "time": "utime", "hashlib": "uhashlib", "socket": "usocket", "ssl": "ussl",
    "select": "uselect",
}  # fmt: skip

_NATIVE = (
    "array binascii builtins cmath collections cryptolib deflate errno heapq json math random re struct uctypes "
    "ubinascii ucollections ucryptolib uerrno uheapq ujson urandom ure ustruct"
).split()

_FROZEN = ("asyncio", "uasyncio")

_UNMODELLED = (
    "aLiYun audio camera ethernet gnss hmac misc2 poc quecgnss TenCentYun uwebsocket voiceCall websocket wifilocator "
    "wifiScan"
).split()

_COPIED = ("Qth",)

_HIDDEN = ("argparse framebuf mip platform requests rom shims boot termios tls websocket").split()


_REFUSED = "'%s' is not modelled by this virtual module yet"


class FrozenTime:
    """``time`` for ``uasyncio``, whose queue is the interpreter's own: its ticks, and delays on the module's clock."""

    ticks_ms = staticmethod(native.time.ticks_ms)
    ticks_diff = staticmethod(native.time.ticks_diff)

    @staticmethod
    def ticks_add(ticks, delta):
        rate = life.facts["clock"][-1][2] if "clock" in life.facts else 1
        return native.time.ticks_add(ticks, int(delta / rate))


class Finder:
    """Stands in for ``__import__``."""

    def __init__(self, rom):
        self._rom = rom
        self._depth = 0
        self._is_frozen = False  # an import of uasyncio is under way
        self._path = []
        self._parts = {}  # what shims share with each other: seen by shims only, loaded once
        self._boot = {name: m for name, m in sys.modules.items() if name.split(".")[0] == "boot"}
        for name in self._boot:
            del sys.modules[name]
        files = self._shim_files()
        shims = [name for name in _SHIMS if _SHIMS[name] in files]
        aliases = [name for name, other in _ALIASES.items() if other in shims]
        self.names = sorted(shims + aliases + list(_NATIVE) + ["uasyncio"])

    def load_shim(self, name):
        """The device module of that name, loaded at first use."""
        file = _SHIMS[name]
        if name not in self.names:
            raise ImportError(_REFUSED % _CALLED.get(name, name))
        self._open_rom()
        try:
            module = getattr(native.import_module("shims." + file), file)
        finally:
            sys.modules.pop("shims." + file, None)
            self._close_rom()
        module.__name__ = _CALLED.get(name, name)
        del module.__file__
        if hasattr(module, "_ORDER"):  # a star import takes what help() shows, and nothing else
            module.__all__ = [one for one in module._ORDER if one in module.__dict__]
        module = getattr(module, "AS_MODULE", module)
        sys.modules[name] = module
        return module

    def _shim_files(self):
        """Names of the shims in the ROM, without ending."""
        vfs.mount(self._rom, "/rom")
        try:
            return {entry[0].rsplit(".", 1)[0] for entry in native.os.ilistdir("/rom/shims")}
        finally:
            vfs.umount("/rom")

    def _open_rom(self):
        self._depth += 1
        if self._depth == 1:
            vfs.mount(self._rom, "/rom")
            self._path = list(sys.path)
            sys.path[:] = ["/rom"]
            sys.modules.update(self._boot)
            sys.modules.update(self._parts)

    def _close_rom(self):
        self._depth -= 1
        if self._depth == 0:
            vfs.umount("/rom")
            sys.path[:] = self._path
            for name in self._boot:
                sys.modules.pop(name, None)
            for name in [n for n in sys.modules if n.startswith("shims.") or n.startswith("sdk.")]:
                self._parts[name] = sys.modules.pop(name)
            for name in ("shims", "sdk"):
                sys.modules.pop(name, None)

    def find(self, name, *rest):
        """``__import__`` of the device."""
        level = rest[3] if len(rest) > 3 else 0
        if level:
            return native.import_module(name, *rest)
        top = _ALIASES.get(name, name)
        if self._is_frozen and top in ("time", "select"):
            return FrozenTime if top == "time" else native.import_module("select")
        if top in _SHIMS:
            module = sys.modules.get(top)
            return self.load_shim(top) if module is None else module
        head = top.split(".", 1)[0]
        if head in _FROZEN:
            return self._frozen(name, rest)
        if head in _HIDDEN or head[:1] == "u" and head[1:] in _HIDDEN:  # the interpreter finds its own under both
            if not (self._depth and head in ("boot", "shims")):
                raise ImportError(_REFUSED % head if head in _UNMODELLED else "no module named '%s'" % name)
        try:
            module = native.import_module(name, *rest)
        except ImportError:
            if name == head and head in _UNMODELLED:
                raise ImportError(_REFUSED % head)
            module = self._built_in(name, len(rest) > 2 and rest[2])
            if module is None:
                raise
            return module
        if name == "usr" and len(rest) > 2 and rest[2]:
            self._offer_copied(module, rest[2])
        return module

    def _offer_copied(self, usr, wanted):
        """Libraries that older samples copied to /usr and newer firmware has built in: the copy wins."""
        for name in _COPIED:
            if name in wanted and not hasattr(usr, name):
                try:
                    native.import_module("usr." + name)
                except ImportError:
                    setattr(usr, name, self.find(name))

    def _built_in(self, name, wanted):
        """``usr.Qth``, ``Qth.device`` ... where nothing was copied: as if it were; None when it is no such thing."""
        parts = name.split(".")
        usr = native.import_module("usr") if parts[0] == "usr" else None
        path = parts[1:] if usr else parts
        if path[0] not in _COPIED or len(parts) == 1:
            return None
        if usr:
            self._offer_copied(usr, path[:1])
        module = top = getattr(usr, path[0]) if usr else self.find(path[0])
        for part in path[1:]:
            module = getattr(module, part, None)
            if module is None or not hasattr(module, "__name__"):
                return None
        return module if wanted else usr or top

    def _frozen(self, name, rest):
        path, was_frozen = list(sys.path), self._is_frozen
        sys.path[:] = [".frozen"]
        self._is_frozen = True
        try:
            return native.import_module(name, *rest)
        finally:
            self._is_frozen = was_frozen
            sys.path[:] = path
