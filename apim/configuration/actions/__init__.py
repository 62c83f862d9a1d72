"""Writes: each one is permission, change and audit row."""
