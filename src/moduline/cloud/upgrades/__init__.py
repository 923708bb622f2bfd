"""Upgrades: one device going through one plan, from the offer to the verdict."""
