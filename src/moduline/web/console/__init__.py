"""The seat of the fleet operator: products, devices, packages, verification, plans, monitoring, people."""
