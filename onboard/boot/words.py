"""``help()``: the device's texts and its order of names.

Source: device-api 3.7, 9.1.
"""

import sys

_TEXT = """\
Welcome to QuecPython!

For online docs please visit https://python.quectel.com/doc

Control commands:
  CTRL-A        -- on a blank line, enter raw REPL mode
  CTRL-B        -- on a blank line, enter normal REPL mode
  CTRL-C        -- interrupt a running program
  CTRL-D        -- on a blank line, do a soft reset of the board
  CTRL-E        -- on a blank line, enter paste mode

For further help on a specific object, type help(obj)
For a list of available modules, type help('modules')"""

_MODULE = type(sys)

_list_names = dir


def make_help(modules):
    """The built-in ``help`` for a device with the given module names."""

    def help(*subject):
        if not subject:
            print(_TEXT)
        elif isinstance(subject[0], str) and subject[0] == "modules":
            _columns(modules)
            print("Plus any modules on the filesystem")
        else:
            _describe(subject[0])

    return help


def dir(*subject):
    """The built-in ``dir``: of an on-board module only what the device has."""
    if subject and isinstance(subject[0], _MODULE):
        return ["__class__", "__name__"] + _visible(subject[0])
    return _list_names(*subject)


def _visible(module):
    """Names of a module in the order of the device's table; of a file's module, in no order, all of them."""
    order = getattr(module, "_ORDER", None)
    if order is not None:
        return [name for name in order if name in module.__dict__]
    names = [name for name in _list_names(module) if name not in ("__class__", "__name__", "__dict__")]
    return names if hasattr(module, "__file__") else [name for name in names if not name.startswith("_")]


def _columns(names):
    rows = (len(names) + 3) // 4
    for row in range(rows):
        line = "".join("%-18s" % name for name in names[row::rows])
        print(line.rstrip())


def _describe(subject):
    print("object", subject, "is of type", type(subject).__name__)
    if isinstance(subject, _MODULE):
        names = _visible(subject)
        print("  __name__ --", subject.__name__)
    else:
        if not isinstance(subject, type):
            subject = type(subject)
        names = [name for name in _list_names(subject) if not name.startswith("__")]
    for name in names:
        value = getattr(subject, name)
        print("  " + name, "--", "<function>" if callable(value) and not isinstance(value, type) else value)
