"""MQTT 3.1.1, byte for byte: packets, their encoding, a decoder, topics. Knows no role and opens no port."""
