"""The module's side of each download protocol, as tables over flash; knows nothing of ports, loops or hosts."""
