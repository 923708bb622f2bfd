"""The check digit of IMEIs. Source: ISO/IEC 7812-1 annex B; 3GPP TS 23.003 6.2.1, annex B."""

from __future__ import annotations


def is_luhn_right(digits: str) -> bool:
    """Whether the last digit is the Luhn check digit of the others."""
    if not digits.isascii() or not digits.isdecimal():
        return False
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0
