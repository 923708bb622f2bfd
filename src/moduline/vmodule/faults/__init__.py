"""Faults: what a scenario or ``moduline virt fault`` can do to one module, by one list of short words.

``words`` reads the words, ``switches`` is what is switched on, ``line`` is what a bad cable does to bytes.
"""

from moduline.vmodule.faults.line import Line
from moduline.vmodule.faults.switches import Faults, add_fault, forget_fired, forget_word
from moduline.vmodule.faults.words import FORMS, Fault, check_parts, parse_faults

__all__ = [
    "FORMS",
    "Fault",
    "Faults",
    "Line",
    "add_fault",
    "check_parts",
    "forget_fired",
    "forget_word",
    "parse_faults",
]
