"""Moving bytes: streams, addresses, and who is connected where; nothing about meaning."""
