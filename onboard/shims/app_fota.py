"""``app_fota``: script upgrade; what was staged in ``/usr/.updater`` takes effect at the next boot.

::

    /usr/.updater/usr/app.py      the new /usr/app.py
    /usr/.updater/download.stat   [{"url": ..., "name": "/usr/app.py", "total_size": 1234 or "unknown"}, ...]
    /usr/.updater/update.flag     empty; without it a boot changes nothing

At boot each file is copied over its target and listed anew in ``checksum.json`` before its entry is dropped from
``download.stat``, and only then is the staged copy deleted: whenever the power goes away, the next boot goes on.

Modelled: downloads over HTTP and HTTPS with resumption, appending to what is there whatever the server answers, the
newer keywords ``headers`` and ``dl_location`` where the profile has them. Not modelled: other places than ``/usr``
(external flash, the FOTA mount of newer firmware), IPv6, user names.

Source: device-api 8.
"""

import checksum as _checksum
import ql_fs as _ql_fs
import ujson as _ujson
import uos as _uos

from boot.state import life as _life

_ORDER = ("new",)

_STAGE = "/usr/.updater"
_STAT = _STAGE + "/download.stat"
_FLAG = _STAGE + "/update.flag"
_LIMIT = 16384
_PIECE = 4096
_DIRECTORY = 0x4000


class new:
    """The staging area."""

    def download(self, url, file_name, **options):
        return _download(url, file_name, **_known(options, _DOWNLOAD_OPTIONS))

    def bulk_download(self, info=(), **options):
        _known(options, ("headers",))
        failed = [item for item in info if _download(item["url"], item["file_name"], **options) == -1]
        return failed or None

    def set_update_flag(self):
        _ql_fs.mkdirs(_STAGE)
        with open(_FLAG, "wb"):
            pass

    def update(self):
        return _update()


_DOWNLOAD_OPTIONS = (
    "headers", "ipvtype", "username", "password", "ext_enable", "spi_port", "spi_clk", "dl_location",
)  # fmt: skip


def _known(options, allowed):
    """The options, when this firmware has them."""
    for name in options:
        if not (_life.facts["has_app_fota_options"] and name in allowed):
            raise TypeError("unexpected keyword argument '%s'" % name)
    return options


# ---- downloading -----------------------------------------------------------------------------------------------------


def _download(
    url, file_name, headers=None, ipvtype=0, username=None, password=None, ext_enable=False, spi_port=None,
    spi_clk=None, dl_location=None,
):  # fmt: skip
    if ipvtype or username or password or ext_enable or dl_location not in (None, "/usr", "/usr/"):
        raise NotImplementedError("app_fota outside /usr is not modelled by this virtual module yet")
    staged = _STAGE + "/" + file_name
    _ql_fs.mkdirs(_ql_fs.path_dirname(staged))
    entry = _entry_of(_staged_list() or [], file_name)
    fetched = _ql_fs.path_getsize(staged) if entry is not None and _ql_fs.path_exists(staged) else 0
    if entry is not None and fetched == entry["total_size"]:
        return 0
    response = _fetch(url, fetched, headers)
    try:
        if response.status_code not in (200, 206):
            return -1
        if entry is None:
            _record(url, file_name, "unknown", dl_location)
        _take_body(response.content, staged, "wb" if entry is None else "ab")
    finally:
        response.close()
    _record(url, file_name, _ql_fs.path_getsize(staged), dl_location)
    return 0


def _fetch(url, fetched, headers):
    import request

    wanted = dict(headers or {})
    wanted["Range"] = "bytes=%d-" % fetched
    return request.get(url, headers=wanted, decode=False, sizeof=_PIECE)


def _take_body(pieces, path, mode):
    """Write what comes until it ends; what came before a failure stays, and is where the next try goes on."""
    with open(path, mode) as file:
        for piece in pieces:
            file.write(piece)


def _staged_list():
    """Content of download.stat; None when there is none that can be read."""
    try:
        with open(_STAT) as file:
            return _ujson.loads(file.read(_LIMIT))
    except Exception:
        return None


def _entry_of(entries, file_name):
    for entry in entries:
        if entry["name"].lower() == file_name.lower():
            return entry
    return None


def _record(url, file_name, size, dl_location):
    entries = _staged_list() or []
    entry = _entry_of(entries, file_name)
    if entry is None:
        entry = {"url": url, "name": file_name, "total_size": size}
        entries.append(entry)
    entry["url"] = url
    entry["total_size"] = size
    if dl_location is not None:
        entry["dl_location"] = dl_location
    _write_list(entries)


def _write_list(entries):
    with open(_STAT, "w") as file:
        file.write(_ujson.dumps(entries))


# ---- taking effect ---------------------------------------------------------------------------------------------------


def _update():
    if not _ql_fs.path_exists(_FLAG) or not _ql_fs.path_exists(_STAT):
        return -1
    try:
        with open(_STAT) as file:
            staged = _ujson.loads(file.read(_LIMIT))
        print(staged)
        print(staged)
        while staged:
            _apply(staged)
        _clear()
    except Exception:
        return -1
    return 0


def _clear():
    """Folders first: without the flag, what a power cut left in them would stay."""
    for entry in list(_uos.ilistdir(_STAGE)):
        if entry[1] == _DIRECTORY:
            _ql_fs.rmdirs(_STAGE + "/" + entry[0])
    _uos.remove(_FLAG)
    _uos.remove(_STAT)
    _ql_fs.rmdirs(_STAGE)


def _apply(staged):
    """Bring the first entry to its target and forget it."""
    target = staged[0]["name"]
    source = _STAGE + "/" + target
    if _ql_fs.path_exists(source):
        _ql_fs.mkdirs(_ql_fs.path_dirname(target))
        _ql_fs.file_copy(target, source)
        _checksum.update(target)
    staged.pop(0)
    _write_list(staged)
    _uos.remove(source)
