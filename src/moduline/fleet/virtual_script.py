"""What full virtual modules of a fleet run when nobody brings a script: the vendor's sample, and it asks by itself.

What such a script prints is read by `virtual_member`, so that a run can say what became of each module. A script of the
user's own is read in the same way, as far as it prints the same lines.

Source: seed 003, steps 4 to 6; device-api 13.2.
"""

from __future__ import annotations

from typing import Final

ONLINE: Final = "devEvent: 2 0"
PLAN: Final = "otaPlan:"
REFUSED: Final = "otaAction: 0"
RESULT: Final = "fotaResult:"
_TEXT: Final = """\
import utime
import Qth


def on_event(event, result):
    print('devEvent:', event, result)
    if event == 2 and result == 0:
        Qth.otaRequest()


def on_plan(plans):
    print('otaPlan:', plans)
    Qth.otaAction(1)


def on_result(component, is_good):
    print('fotaResult:', component, is_good)


Qth.init()
Qth.setProductInfo({product!r}, {secret!r})
Qth.setEventCb({{'devEvent': on_event, 'ota': {{'otaPlan': on_plan, 'fotaResult': on_result}}}})
Qth.start()
while True:
    utime.sleep({asks_every_s})
    if Qth.state():
        Qth.otaRequest()
"""


def stock_script(product: str, secret: str, asks_every_s: int = 60) -> bytes:
    """A ``main.py`` that comes online, accepts every plan, and asks for one when it connects and now and then.

    Args:
        product: product key.
        secret: product secret.
        asks_every_s: seconds between two requests.
    """
    return _TEXT.format(product=product, secret=secret, asks_every_s=asks_every_s).encode()
