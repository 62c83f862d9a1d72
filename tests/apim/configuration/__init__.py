"""The configuration of organisations."""
