"""The hawkBit DDI for SWUpdate, RAUC and others that poll: plans, states and reasons are those of QuecThing devices."""

from __future__ import annotations

from moduline.cloud.device_link.ddi.routes import Ddi, DdiTerms

__all__ = ["Ddi", "DdiTerms"]
