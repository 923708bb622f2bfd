"""Starts ectool as its own command does, on a pseudo-terminal: those have no DTR line, which ectool sets.

Source: platform-eigencomm 6.
"""

from ectool import main
from serial import serialposix

serialposix.Serial._update_dtr_state = lambda self: None
main()
