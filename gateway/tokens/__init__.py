"""Tokens taken apart and checked against a key manager: pure functions, for gateways and for the control plane's token test."""
