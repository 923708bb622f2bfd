"""What scripts give to functions of the firmware: texts as text or bytes, limits in bytes, its own words of refusal."""


def text_of(value, most=None, what=""):
    """A text; ValueError when it has more than ``most`` bytes, TypeError when it is none."""
    if isinstance(value, str):
        size = len(value.encode())
    elif isinstance(value, (bytes, bytearray, memoryview)):
        size = len(value)
        value = bytes(value).decode()
    else:
        raise TypeError("object with buffer protocol required")
    if most is not None and size > most:
        raise ValueError("invalid value, the length of %s should be no more than %d bytes." % (what, most))
    return value


def int_of(value):
    """An integer; TypeError for anything else."""
    if isinstance(value, float) or not isinstance(value, (int, bool)):
        raise TypeError("can't convert %s to int" % type(value).__name__)
    return int(value)


def in_range(value, least, most, name, brackets="[]"):
    """An integer between the two; ValueError otherwise."""
    value = int_of(value)
    if not least <= value <= most:
        shown = "%s%d,%d%s" % (brackets[0], least, most, brackets[1])
        raise ValueError("invalid value, %s should be in %s." % (name, shown))
    return value
