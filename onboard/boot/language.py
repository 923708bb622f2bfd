"""Scripts on their way to the compiler: does the module's own, older interpreter know their syntax?

Source: device-api 1.
"""

from boot.state import life

MAX_BYTES = 65536


def admit(path, source):
    """Let a script pass; SyntaxError where this module refuses newer syntax. ``source`` is bytes."""
    if len(source) <= MAX_BYTES and not life.calls.ask_bytes("language", source, path=path)[0]:
        raise SyntaxError("invalid syntax")
