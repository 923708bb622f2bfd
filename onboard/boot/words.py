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


def _function():
    return None


_FUNCTIONS = (type(_function), type(len), type("".join))


def make_help(modules):
    """The built-in ``help`` for a device with the given module names."""

    def help(*subject):
        if not subject:
            print(_TEXT)
        elif subject[0] == "modules":
            _columns(modules)
            print("Plus any modules on the filesystem")
        else:
            _describe(subject[0])

    return help


def _columns(names):
    rows = (len(names) + 3) // 4
    for row in range(rows):
        line = "".join("%-18s" % name for name in names[row::rows])
        print(line.rstrip())


def _describe(subject):
    print("object", subject, "is of type", type(subject).__name__)
    if isinstance(subject, _MODULE):
        names = getattr(subject, "_ORDER", None)
        if names is None:
            names = sorted(n for n in dir(subject) if not n.startswith("_"))
        print("  __name__ --", subject.__name__)
    else:
        if not isinstance(subject, type):
            subject = type(subject)
        names = [n for n in dir(subject) if not n.startswith("__")]
    for name in names:
        value = getattr(subject, name)
        print("  " + name, "--", "<function>" if isinstance(value, _FUNCTIONS) else value)
