"""``checksum``: the list of protected files and their checksums.

An entry is ``{"name": path, "sha256": hex}`` or ``{"name": path, "crc32": hex}``; what an entry carries is checked and
refreshed, both when it carries both. A new entry follows the first one of its list, else the profile.

Modelled: everything device-api 6.2 lists, in both conventions. A lost list is copied from ``/bak`` under another name
and renamed, so that a power cut leaves no empty one behind.

Source: device-api 6.1, 6.2.
"""

import file_crc32 as _file_crc32
import file_sha256 as _file_sha256
import ql_fs as _ql_fs
import ujson as _ujson
import uos as _uos

from boot.state import life as _life

checksum_file = "/usr/checksum.json"
checksum_file_max_size = 16384
backup_checksum_file = "/bak/checksum.json"

_ORDER = (
    "checksum_file", "checksum_file_max_size", "backup_checksum_file", "check", "retrieve", "update", "bulk_update",
    "bak_update", "usr_update",
)  # fmt: skip

_COPYING = "/usr/checksum.new"
_BACKUP_ROOT = "/_bak"
_CALC = {"sha256": _file_sha256.calc, "crc32": _file_crc32.calc}


class _checkError(Exception):
    """The list is not there or empty."""

    def __init__(self, text):
        self.text = text

    def __str__(self):
        return "'%s'" % self.text


def _schemas(entry):
    """Which checksums the entry carries."""
    return [schema for schema in ("sha256", "crc32") if schema in entry] or [_life.facts["checksum_schema"]]


def _is_intact(entry):
    """True when the file of the entry has the checksums of the entry."""
    for schema in _schemas(entry):
        found, wanted = _CALC[schema](entry["name"]), entry.get(schema)
        if found is None or wanted is None or int(found, 16) != int(wanted, 16):
            return False
    return True


def _refresh(entry, path):
    """Take the checksums of the file at ``path`` into the entry; False for an empty or missing file."""
    for schema in _schemas(entry):
        value = _CALC[schema](path)
        if value is None:
            return False
        entry[schema] = value
    return True


def _absolute(name):
    return name if name.startswith("/") else "/" + name


def _find(entries, name):
    for entry in entries:
        if entry["name"].lower() == name.lower():
            return entry
    return None


def _write(path, entries):
    with open(path, "w") as file:
        file.write(_ujson.dumps(entries))
    return entries


def check():
    if not _ql_fs.path_exists(checksum_file):
        if not _ql_fs.path_exists(backup_checksum_file):
            raise _checkError(checksum_file + " not exist")
        _ql_fs.file_copy(_COPYING, backup_checksum_file)
        _uos.rename(_COPYING, checksum_file)
    with open(checksum_file) as file:
        text = file.read(checksum_file_max_size)
    if not text:
        raise _checkError(checksum_file + " is empty")
    return text


def retrieve(name):
    entry = _find(_ujson.loads(check()), _absolute(name))
    return None if entry is None else entry.get(_schemas(entry)[0])


def update(name):
    return bulk_update([name])


def bulk_update(names=()):
    try:
        entries = _ujson.loads(check())
        is_changed = False
        for name in names:
            entry = _find(entries, _absolute(name))
            if entry is not None and _refresh(entry, _absolute(name)):
                is_changed = True
        return _write(checksum_file, entries) if is_changed else None
    except Exception:
        return None


def bak_update(file_name):
    """Add or refresh an entry of the backup's list; ``file_name`` is the copy, such as ``/_bak/usr/a.json``."""
    name = file_name[len(_BACKUP_ROOT) :] if file_name.startswith(_BACKUP_ROOT + "/") else file_name
    return _take(_BACKUP_ROOT + "/checksum.json", name, file_name)


def usr_update(file_name):
    """Add or refresh an entry of the user's list."""
    return _take(checksum_file, file_name, file_name)


def _take(path, name, source):
    try:
        entries = _ql_fs.read_json(path) or []
        entry = _find(entries, name)
        if entry is None:
            entry = {"name": name}
            entry[_schemas(entries[0] if entries else entry)[0]] = None
            entries.append(entry)
        return _write(path, entries) if _refresh(entry, source) else None
    except Exception:
        return None
