"""Grants beyond RFC 6749, as handlers of the protocol library."""
