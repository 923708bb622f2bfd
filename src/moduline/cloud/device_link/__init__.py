"""Devices on the wire: QuecThing connections, downloads, the DDI. What they say goes to the platform; no rules here."""
