"""Conversations, byte for byte: frames, messages and decoders that know no role, open no port and ask no time."""
