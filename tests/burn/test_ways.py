"""Which module a package is for, and by which commands it is switched; the rest of ``burn.enter`` is in test_job."""

from __future__ import annotations

import pytest

from moduline.burn.action import BurnPlan
from moduline.burn.enter import check_model, switch_commands
from moduline.errors import WrongModule
from moduline.remote.identify import Identity


def plan_of(model, version, flash_bytes=0):
    return BurnPlan("asr1601", model, version, (), "device", (), 4096, (), flash_bytes)


def identity_of(model, version):
    return Identity(model=model, imei="", version=version, serial="", via="at", port="")


CNAA = plan_of("EC600S-CNAA", "EC600SCNAAR01A01M16_OCPU_PY", 16 << 20)
CNLB = plan_of("EC600S-CNLB", "EC600SCNLBR01A01M16_OCPU_PY", 8 << 20)


@pytest.mark.parametrize(
    ("plan", "model", "version"),
    [
        (CNAA, "EC600S", "EC600SCNLBR01A01M16_OCPU_PY"),
        (CNLB, "EC600S", "EC600SCNAAR01A01M16"),
        (CNAA, "EC600N", ""),
        (plan_of("EC600S-CNLB", None, 16 << 20), "EC600S", "EC600SCNLBR01A01M16"),  # 16 MB for a module of 8 MB
    ],
)
def test_package_when_of_another_variant_or_flash_size_then_wrong_module(plan, model, version):
    with pytest.raises(WrongModule):
        check_model(plan, identity_of(model, version))


@pytest.mark.parametrize(
    ("plan", "model", "version"),
    [
        (CNAA, "EC600S", "EC600SCNAAR01A02M08_OCPU_QPY"),
        (CNLB, "EC600S", "EC600SCN_LBR01A01M16"),
        (CNLB, "EC600S", ""),
        (CNLB, "", ""),
        (CNLB, "EC600S", "a version nobody has seen"),
        (plan_of(None, None), "EC600S", "EC600SCNAAR01A02M08"),
        (plan_of("EG915U", "EG915UEUABR03A06M08"), "EG915U", "EG915UEUABR02A01M08"),
    ],
)
def test_package_when_it_may_be_meant_then_nothing_is_said(plan, model, version):
    check_model(plan, identity_of(model, version))


def test_commands_when_asked_for_then_those_of_the_chip_in_their_order():
    assert switch_commands("asr1603") == ("AT+QDOWNLOAD=1",)
    assert switch_commands("unisoc8910") == ("AT+QDOWNLOAD=1", "AT^FORCEDNLD")
    assert switch_commands("unknown") == ("AT+QDOWNLOAD=1",)
