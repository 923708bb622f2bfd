"""Script updates by what changed: fetches patches with ``app_fota``, unpacks them into its staging folder, checks all.

Copy this file to ``/usr`` of a module (real or virtual), publish what ``moduline delta scripts`` wrote, and::

    import app_fota, request
    from usr import script_patch
    from misc import Power

    base = 'http://updates.example.com/meter-1.1/'
    rows = request.get(base + 'app_fota.json').json()
    fota = app_fota.new()
    if script_patch.fetch(fota, base, rows) is None:    # as bulk_download: None, or the files that failed
        fota.set_update_flag()
        Power.powerRestart()

Nothing changes in the installed files before the restart, and then ``app_fota`` itself copies whole files. So a power
cut at any moment leaves each file old or new. A file is patched only where the module has exactly the old one; in any
other case, or when anything does not fit, the whole file is fetched. What is staged is compared by SHA-256, which
``app_fota`` does not do: a dropped connection counts as complete for it.

Plain MicroPython 1.12, about 1 KiB of RAM beside the list; ``script_window.py`` beside it unpacks patches that read the
old file. The head of a patch: docs/spec/script-patch.md.
"""

import uhashlib
import ujson
import uos

STAGE = "/usr/.updater"
_ENDING = ".mdl"
_MAGIC = b"MDLNSCR\0"
_HEAD = 88
_PIECE = 1024
_MOST = 1 << 20
_RAW, _DEFLATE, _WINDOW = 0, 1, 3
_TRIES = 2


def fetch(fota, base, rows, stage=STAGE):
    """Stage every file of the list; None when all are staged or installed, else the names of those that are not."""
    failed = []
    for row in rows:
        try:
            if not _staged(fota, base, row, stage):
                failed.append(row["file_name"])
        except Exception as fault:
            print("script_patch:", row["file_name"], fault)
            failed.append(row["file_name"])
    return failed or None


def unpack(name, stage=STAGE):
    """The staged patch of a file becomes the staged new file; False when it is damaged or for another old one."""
    path = stage + name + _ENDING
    with open(path, "rb") as patch:
        head = patch.read(_HEAD)
        if len(head) != _HEAD or head[:8] != _MAGIC or _number(head, 8, 2) != 1:
            return False
        codec, old_bytes, new_bytes = _number(head, 10, 2), _number(head, 12, 4), _number(head, 48, 4)
        data_bytes = _number(head, 84, 4)
        if _size(path) != _HEAD + data_bytes or new_bytes > _MOST:
            return False
        if head[16:48] != bytes(32) and (_size(name) != old_bytes or _digest(name) != head[16:48]):
            return False
        try:
            _decode(codec, patch, data_bytes, name, new_bytes, stage + name)
        except Exception as fault:  # a damaged stream, or no decoder for it: the whole file comes instead
            print("script_patch:", name, fault)
            return False
    if _size(stage + name) != new_bytes or _digest(stage + name) != head[52:84]:
        return False
    _list(stage, name + _ENDING, name, new_bytes)
    uos.remove(path)
    return True


# ---- one file --------------------------------------------------------------------------------------------------------


def _staged(fota, base, row, stage):
    """See that the next boot finds or leaves the new file; True when it will."""
    name, wanted = row["file_name"], row["sha256"]
    installed = _hex(name)
    if installed == wanted:
        _drop(stage, name)  # what an earlier release left there would replace it
        return True
    if _is_right(stage, name, wanted):
        return True
    if row.get("patch") and row.get("old_sha256", installed) == installed:
        if fota.download(base + row["patch"], name + _ENDING) == 0 and unpack(name, stage):
            return _is_right(stage, name, wanted)
        _drop(stage, name + _ENDING)
    for _ in range(_TRIES):
        if fota.download(base + row["url"], name) == 0 and _is_right(stage, name, wanted):
            return True
        _drop(stage, name)  # another release, a broken connection, or a server that ignored the range
    return False


def _is_right(stage, name, wanted):
    """The staged file is complete, as the list says too."""
    entry = _entry(_read_list(stage), name)
    return entry is not None and entry["total_size"] != "unknown" and _hex(stage + name) == wanted


def _decode(codec, patch, data_bytes, old, new_bytes, target):
    with open(target, "w+b") as file:
        if codec == _RAW:
            _copy(patch, file, data_bytes)
        elif codec == _DEFLATE:
            import uzlib

            _copy(uzlib.DecompIO(patch), file, new_bytes)
        elif codec == _WINDOW:
            from usr import script_window

            with open(old, "rb") as window:
                script_window.unpack(window, patch, new_bytes, file)
        else:
            raise ValueError("codec %d" % codec)


def _copy(source, target, count):
    while count:
        piece = source.read(min(_PIECE, count))
        if not piece:
            raise ValueError("%d bytes are missing" % count)
        target.write(piece)
        count -= len(piece)


# ---- the list of app_fota --------------------------------------------------------------------------------------------


def _read_list(stage):
    try:
        with open(stage + "/download.stat") as file:
            return ujson.loads(file.read())
    except Exception:  # none yet, or a power cut long ago
        return []


def _entry(entries, name):
    for entry in entries:
        if entry["name"] == name:
            return entry
    return None


def _write_list(stage, entries):
    with open(stage + "/download.stat", "w") as file:
        file.write(ujson.dumps(entries))


def _list(stage, patch, name, size):
    """The entry of a patch becomes that of the file; one of the file itself goes."""
    entries = [entry for entry in _read_list(stage) if entry["name"] != name]
    entry = _entry(entries, patch)
    entry["name"], entry["total_size"] = name, size
    _write_list(stage, entries)


def _drop(stage, name):
    """Forget a staged file, the list first: a file without an entry counts for nothing."""
    entries = _read_list(stage)
    left = [entry for entry in entries if entry["name"] != name]
    if len(left) != len(entries):
        _write_list(stage, left)
    if _size(stage + name) is not None:
        uos.remove(stage + name)


# ---- files -----------------------------------------------------------------------------------------------------------


def _size(path):
    try:
        return uos.stat(path)[6]
    except OSError:
        return None


def _digest(path):
    """SHA-256 of a file; None when there is none."""
    try:
        file = open(path, "rb")
    except OSError:
        return None
    running = uhashlib.sha256()
    with file:
        while True:
            piece = file.read(_PIECE)
            if not piece:
                return running.digest()
            running.update(piece)


def _hex(path):
    digest = _digest(path)
    return None if digest is None else "".join("%02x" % byte for byte in digest)


def _number(data, at, count):
    """Little-endian."""
    value = 0
    for place in range(count):
        value |= data[at + place] << 8 * place
    return value
