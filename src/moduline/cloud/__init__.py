"""The OTA platform: products, devices, artifacts, plans and upgrades; see docs/design/cloud.md."""
