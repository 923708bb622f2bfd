"""Which platform a module meets."""

from __future__ import annotations

import pytest

from moduline.vmodule.world.clock import ModuleClock
from moduline.vmodule.world.cloud import VENDORS_SERVER, Cloud
from moduline.vmodule.world.cloud_plan import CloudPlan

OURS, OTHER = "mqtt://127.0.0.1:1883", "mqtt://iot.example.com:1883"


@pytest.mark.parametrize(
    ("planned", "said", "is_reached", "taken"),
    [
        ("", VENDORS_SERVER, False, ""),
        ("", VENDORS_SERVER, True, VENDORS_SERVER),
        (OURS, VENDORS_SERVER, True, OURS),  # the script named none, so the scenario's counts
        (OURS, VENDORS_SERVER, False, OURS),
        (OURS, OTHER, True, OTHER),
        (OURS, OTHER, False, OURS),
        (OURS, "mqtt://", True, OURS),
    ],
)
def test_server_when_scenario_and_script_name_one_then_the_scripts_if_it_is_reached(planned, said, is_reached, taken):
    cloud = Cloud(CloudPlan(server=planned), ModuleClock(), lambda: True, reaches=lambda host, port: is_reached)
    assert cloud.real_server(said) == taken
