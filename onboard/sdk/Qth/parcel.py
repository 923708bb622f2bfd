"""What 0x0113 brings: one file, or a list of up to five for a module component.

A file is ``(url, size, md5, sha256)``; the last one is empty when the platform did not say it. A list stands for one
package whose files belong together: they are fetched in the order of their index, each with its digest, and handed to
the firmware one behind the other.

Source: ota-semantics 11.5.
"""

from . import frame

MODULE, MCU = 0, 1
MAX_FILES = 5


def read(pairs, is_sha_wanted=False):
    """(kind, component, target, files); no files when they cannot be used. ValueError for what is no such message."""
    kind, component, target = frame.whole(pairs, 7), frame.text(pairs, 4, 32), frame.text(pairs, 6, 64)
    if kind not in (MODULE, MCU) or not component or not target:
        raise ValueError("firmware information")
    several = frame.first(pairs, 20)
    if several is None:
        one = _file(pairs)
        is_whole = one and frame.text(pairs, 15) and (one[3] or not is_sha_wanted)
        return kind, component, target, [one] if is_whole else []
    is_alone = kind == MODULE and not [1 for number in (1, 3, 15, 16) if frame.first(pairs, number) is not None]
    return kind, component, target, _list(several) if is_alone else []


def _file(pairs):
    """None when something is missing."""
    url, size, md5 = frame.text(pairs, 1), frame.whole(pairs, 2), frame.text(pairs, 3)
    if not url or not size or size < 0 or not md5:
        return None
    return url, size, md5, frame.text(pairs, 16) or ""


def _list(several):
    if not isinstance(several, list) or not 1 <= len(several) <= MAX_FILES:
        return []
    found = []
    for one in several:
        pairs = one[1]
        if not isinstance(pairs, list):
            return []
        index, file = frame.whole(pairs, 30), _file(pairs)
        if index is None or file is None or [1 for other in found if other[0] == index]:
            return []
        found.append((index, file))
    found.sort(key=lambda row: row[0])
    return [file for _, file in found]
