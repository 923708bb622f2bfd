"""The virtual module: flash and wire, and the real interpreter on top.

Verbs: ``open_module`` for one module in this process; racks in the background are ``rack`` and ``rack_client``.
"""
