"""QuecThing, byte for byte: frames, typed values, messages, passwords, encryption. Knows no role, opens no port."""
