"""``sys_bus``: topics inside the module; every subscriber of a topic is called in a thread of its own.

Modelled: as in the firmware's source; there are 16 threads, so a topic with many slow subscribers fails with OSError as
it does there. ``unsubscribe`` gives True or False, as the vendor's page says; the source of 2021 gives None.

Source: device-api 10.7; QuecPython/microPython ``sys_bus.py``; the vendor's page.
"""

import _thread as _thread

_ORDER = "subscribe unsubscribe publish sub_table".split()
_table = {}


def subscribe(topic, cb):
    _table.setdefault(topic, []).append(cb)


def publish(topic, msg):
    for callback in list(_table.get(topic, ())):
        _thread.start_new_thread(callback, (topic, msg))


def unsubscribe(topic, cb=None):
    if topic not in _table or (cb is not None and cb not in _table[topic]):
        return False
    if cb is None:
        del _table[topic]
    else:
        _table[topic].remove(cb)
    return True


def sub_table(topic=None):
    return _table.copy() if topic is None else _table[topic]
