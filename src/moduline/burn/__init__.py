"""Burning: one package into one module or a whole rack, with durable records."""
