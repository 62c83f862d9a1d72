"""Seeing a message: what each step of a flow changed, kept for messages that were asked for (docs/message-traces.md)."""
