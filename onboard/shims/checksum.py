"""``checksum``: the list of protected files and their checksums.

An entry is ``{"name": path, "sha256": hex}`` or ``{"name": path, "crc32": hex}``; the file's own convention is kept.

Source: device-api 6.1, 6.2.
"""

import ql_fs as _ql_fs
import ujson as _ujson

from boot.state import life as _life

_USER = "/usr/checksum.json"
_BACKUP = "/bak/checksum.json"
_LIMIT = 16384


class _checkError(Exception):
    """The list is not there or empty."""

    def __init__(self, text):
        self.text = text

    def __str__(self):
        return "'%s'" % self.text


def _calc(schema, path):
    if schema == "sha256":
        import file_sha256

        return file_sha256.calc(path)
    import file_crc32

    return file_crc32.calc(path)


def schema_of(entry):
    """Which checksum the entry carries."""
    for schema in ("sha256", "crc32"):
        if schema in entry:
            return schema
    return _life.facts["checksum_schema"]


def is_intact(entry):
    """True when the file of the entry has the checksum of the entry."""
    schema = schema_of(entry)
    found, wanted = _calc(schema, entry["name"]), entry.get(schema)
    if found is None or wanted is None:
        return False
    return int(found, 16) == int(wanted, 16)


def check():
    if not _ql_fs.path_exists(_USER) and not (_ql_fs.path_exists(_BACKUP) and _ql_fs.file_copy(_USER, _BACKUP)):
        raise _checkError(_USER + " not exist")
    with open(_USER) as file:
        text = file.read(_LIMIT)
    if not text:
        raise _checkError(_USER + " is empty")
    return text


def retrieve(name):
    for entry in _ujson.loads(check()):
        if entry["name"].lower() == name.lower():
            return entry.get(schema_of(entry))
    return None


def update(name):
    return bulk_update([name])


def bulk_update(names):
    try:
        entries = _ujson.loads(check())
        is_changed = False
        for name in names:
            wanted = (name if name.startswith("/") else "/" + name).lower()
            for entry in entries:
                if entry["name"].lower() == wanted:
                    schema = schema_of(entry)
                    value = _calc(schema, entry["name"])
                    if value is not None:
                        entry[schema] = value
                        is_changed = True
        if not is_changed:
            return None
        with open(_USER, "w") as file:
            file.write(_dump(entries))
        return [_Entry(entry) for entry in entries]
    except Exception:
        return None


def _dump(entries):
    """JSON with ``name`` first, as the tools write it."""
    lines = []
    for entry in entries:
        schema = schema_of(entry)
        lines.append('{"name": %s, "%s": %s}' % (_ujson.dumps(entry["name"]), schema, _ujson.dumps(entry.get(schema))))
    return "[" + ", ".join(lines) + "]"


class _Entry(dict):
    """Prints with ``name`` first; a plain dictionary of this interpreter has no order."""

    def __repr__(self):
        schema = schema_of(self)
        return "{'name': %r, '%s': %r}" % (self["name"], schema, self.get(schema))
