"""``uos``: the mounts of the module, with its error numbers and its way of refusing to write to ``/bak``.

Source: device-api 5.1, 5.2, 5.5.
"""

from boot import native as _native
from boot import startup as _startup
from boot.state import is_protected as _is_protected
from boot.state import life as _life

_os = _native.os
_PROTECTED = -1

sep = "/"
getcwd = _os.getcwd
urandom = _os.urandom
stat = _os.stat


def chdir(path):
    try:
        _os.chdir(path)
    except OSError as fault:
        if fault.errno == 2:
            raise OSError(-2)
        raise


def listdir(path="."):
    return [entry[0] for entry in ilistdir(path)]


def ilistdir(path="."):
    return _os.ilistdir(getcwd() if path in (".", "") else path)


def statvfs(path):
    if path == "/" or (path in ("", ".") and getcwd() == "/"):
        return (0, 0, 0, 0, 0, 0, 0, 0, 0, 512)
    return _os.statvfs(path)


def mkdir(path):
    return _PROTECTED if _is_protected(path) else _os.mkdir(path)


def rmdir(path):
    return _PROTECTED if _is_protected(path) else _os.rmdir(path)


def remove(path):
    return _PROTECTED if _is_protected(path) else _os.remove(path)


unlink = remove


def rename(old, new):
    return _PROTECTED if _is_protected(old) else _os.rename(old, new)


def mount(fs, path, **options):
    return _native.vfs.mount(fs, path, **options)


def umount(path):
    return _PROTECTED if isinstance(path, str) and _is_protected(path) else _native.vfs.umount(path)


def VfsLfs1(read, program, lookahead, partition, *spi):
    """The file system of a partition; the three sizes are ignored, as on the module."""
    return _life.partitions.device_fs(partition, False, _startup.twin)


def uname():
    return tuple("%s=%s" % pair for pair in _uname_pairs())


class _Uname(tuple):
    def __repr__(self):
        return "(" + ", ".join("%s=%r" % pair for pair in _uname_pairs()) + ")"

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
