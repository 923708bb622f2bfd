"""Addresses of the way in and out."""

from __future__ import annotations

from typing import Final

SIGN_IN: Final = "/sign-in"
SIGN_OUT: Final = "/sign-out"
FIRST_START: Final = "/first-start"
ENTER: Final = "/enter"
LOOK: Final = "/look"
