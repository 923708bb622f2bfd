"""What ``fota`` does on which module, against the lists of the reference.

Source: device-api 7.1 (reset_disable), 7.2 (write, flush, verify), 7.3 (accepted only, error code, mini-system), 7.5 (16 MB
of flash). The lists name models; variants of a model with less flash have neither full nor mini.
"""

from __future__ import annotations

import pytest

from moduline.profiles import catalog

NO_RESET_DISABLE = {"EC600N", "EC800N", "EG912N", "EC600M", "EC800M", "EG810M"}
STEPS = {"EC600N", "EG912N", "EC600U", "EC200U", "EG915U", "EG912U", "EC800G", "EC600E", "EC800E", "EC600S", "EC800N"}
ONLY_ACCEPTED = {"EC600N", "EC800N", "EG912N", "EC600M", "EC800M", "EG810M", "BC25", "EC600S"}
ERROR_CODE = {"EC600N", "EC600S", "EC800N", "EG912N"}
MINI = {"EC600S", "EC600N", "EC800N", "EG912N", "EC600M", "EC800M", "EG810M"}
INFERRED = {"EC100Y", "EC600G"}
"""In no list: the first is the seeds' other EC600S, the second has the chip of the EC800G."""
MODULES = [one for one in map(catalog.module, catalog.modules()) if one.identity.model not in INFERRED]


@pytest.mark.parametrize("profile", MODULES, ids=lambda one: one.slug)
def test_profile_when_compared_with_the_lists_then_does_what_they_say(profile):
    model, quirks = profile.identity.model, profile.quirks
    assert quirks.has_fota_steps == (model in STEPS)
    assert quirks.is_fota_blocking == (model not in ONLY_ACCEPTED)
    assert (quirks.fota_failure_value == "code") == (model in ERROR_CODE)
    if model != "EC600S":  # the seed calls fota() without arguments
        assert quirks.has_fota_reset_disable == (model not in NO_RESET_DISABLE)
    is_large = (profile.flash_bytes or catalog.chip_of(profile).flash.size_bytes) >= 16 << 20
    assert quirks.has_fota_mini == quirks.has_fota_full == (model in MINI and is_large)
    assert not quirks.has_fota_apn  # BG95 only
