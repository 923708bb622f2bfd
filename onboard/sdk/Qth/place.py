"""Where the device belongs: the server and product of the script, or those the platform has moved it to.

``record["move"]`` is ``[server, pk, ps, tries]``: what is empty is as the script says, ``tries`` are those that are
left before the device goes back; -1 once it has been online there.

Source: ota-semantics 11.4 (configuration).
"""

from . import device, frame

TRIES = 3


def where(record, server, pk, ps):
    """(server, pk, ps) to connect to now."""
    move = record.get("move")
    return (move[0] or server, move[1] or pk, move[2] or ps) if move else (server, pk, ps)


def tries_left(record):
    """Of a place that has not been reached yet; None when there is no such place."""
    move = record.get("move")
    return move[3] if move and move[3] >= 0 else None


def reached(record):
    """Online: the device stays there."""
    if tries_left(record) is not None:
        record["move"] = record["move"][:3] + [-1]


def missed(record):
    """One try less; back to the script's place when none is left."""
    left = tries_left(record)
    if left is not None:
        record["move"] = record["move"][:3] + [left - 1] if left > 1 else None


def told(record, pairs, server):
    """Take what the platform says about it; True when the device has to connect anew."""
    old = record.get("move") or ["", "", "", -1]
    new = [old[0], old[1], old[2]]
    place = frame.first(pairs, 1)
    if isinstance(place, list):
        new[0] = _server(place, server, new[0])
    numbers = [number for number, _ in pairs]
    if 7 in numbers and 8 in numbers:
        pk, ps = frame.text(pairs, 7, 32), frame.text(pairs, 8, 32)
        if (pk is None) == (ps is None):
            new[1], new[2] = pk or "", ps or ""
    if new == old[:3]:
        return False
    record["move"] = new + [TRIES] if new != ["", "", ""] else None
    return True


def _server(place, server, old):
    """The address in a struct {2 domain, 3 ip, 4 port}; empty takes an earlier move back."""
    host, port = frame.text(place, 2) or frame.text(place, 3), frame.whole(place, 4)
    if not host:
        return old if port else ""
    scheme = server.partition("://")[0]
    url = "%s://%s:%d" % (scheme, host, port) if port else "%s://%s" % (scheme, host)
    try:
        device.split_url(url)
    except ValueError:
        return old
    return url
