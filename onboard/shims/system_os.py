"""``uos``: the mounts of the module, with its error numbers and its way of refusing to write to ``/bak``.

Modelled: everything device-api 5.2 lists for littlefs; both partitions can be mounted again under another name, which
is how ``/bak`` is written to. Not modelled: FAT, SD card, eMMC and external flash (``VfsFat``, ``VfsSd``, ``VfsEmmc``,
``set_det``, ``set_callback``): they raise NotImplementedError.

Source: device-api 5.1, 5.2, 5.5.
"""

from boot import native as _native
from boot import startup as _startup
from boot.state import is_protected as _is_protected
from boot.state import life as _life

_ORDER = (
    "uname", "uname2", "urandom", "chdir", "getcwd", "ilistdir", "listdir", "mkdir", "remove", "rename", "rmdir",
    "stat", "statvfs", "unlink", "mount", "umount", "VfsLfs1", "VfsLfs2", "VfsFat", "VfsSd", "VfsEmmc", "set_det",
    "set_callback",
)  # fmt: skip

_os = _native.os
_PROTECTED = -1
_ENODEV = 19

getcwd = _os.getcwd
urandom = _os.urandom


def _text(path):
    return path.decode() if isinstance(path, (bytes, bytearray)) else path


def stat(path):
    return _os.stat(_text(path))


def chdir(path):
    try:
        _os.chdir(_text(path))
    except OSError as fault:
        if fault.errno == 2:
            raise OSError(-2)
        raise


def listdir(path="."):
    return [entry[0] for entry in ilistdir(path)]


def ilistdir(path="."):
    text = _text(path)
    found = _os.ilistdir(getcwd() if text in (".", "") else text)
    return found if isinstance(path, str) else _with_bytes(found)


def _with_bytes(entries):
    for entry in entries:
        yield (entry[0].encode(),) + tuple(entry[1:])


def statvfs(path):
    path = _text(path)
    if path == "/" or (path in ("", ".") and getcwd() == "/"):
        return (0, 0, 0, 0, 0, 0, 0, 0, 0, 512)
    return _os.statvfs(path)


def mkdir(path):
    path = _text(path)
    return _PROTECTED if _is_protected(path) else _os.mkdir(path)


def rmdir(path):
    path = _text(path)
    return _PROTECTED if _is_protected(path) else _os.rmdir(path)


def remove(path):
    path = _text(path)
    return _PROTECTED if _is_protected(path) else _os.remove(path)


unlink = remove


def rename(old, new):
    old = _text(old)
    return _PROTECTED if _is_protected(old) else _os.rename(old, _text(new))


def mount(fs, path, **options):
    return _native.vfs.mount(fs, path, **options)


def umount(path):
    return _PROTECTED if isinstance(path, str) and _is_protected(path) else _native.vfs.umount(path)


def VfsLfs1(read, program, lookahead, partition, *spi):
    """The file system of a partition; the three sizes are ignored, as on the module."""
    if spi or partition == "ext_fs":
        _refuse("VfsLfs1 on external flash")
    return _life.partitions.device_fs(partition, False, _startup.twin)


def VfsLfs2(read, program, lookahead, partition, *spi):
    """The same; only modules whose partitions are littlefs 2 have it."""
    if partition in _life.partitions.plans and _life.partitions.plans[partition]["kind"] != "lfs2":
        raise OSError(_ENODEV)
    return VfsLfs1(read, program, lookahead, partition, *spi)


def _refuse(what):
    raise NotImplementedError("uos.%s is not modelled by this virtual module yet" % what)


def VfsFat(*arguments):
    _refuse("VfsFat")


def VfsSd(*arguments):
    _refuse("VfsSd")


def VfsEmmc(*arguments):
    _refuse("VfsEmmc")


def set_det(*arguments):
    _refuse("set_det")


def set_callback(function):
    _refuse("set_callback")


def uname():
    return tuple("%s=%s" % pair for pair in _uname_pairs())


class _Uname(tuple):
    def __repr__(self):
        return "(" + ", ".join("%s=%r" % pair for pair in _uname_pairs()) + ")"

    __str__ = __repr__

    def __getattr__(self, name):
        for key, value in _uname_pairs():
            if key == name:
                return value
        raise AttributeError(name)


def uname2():
    return _Uname(value for _, value in _uname_pairs())


def _uname_pairs():
    facts = _life.facts
    return (
        ("sysname", facts["variant"]),
        ("nodename", facts["model"]),
        ("release", facts["release"]),
        ("version", facts["core_version"] + " on " + facts["build_date"]),
        ("machine", facts["model"] + " with QUECTEL"),
        ("qpyver", facts["qpy_version"]),
    )
