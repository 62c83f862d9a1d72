"""Protocols besides plain HTTP: how APIs of such a kind are compiled, and the relays that carry them."""
