"""Artifacts: uploaded releases of a component, and the rules they must keep."""
