"""The WebSub hub."""
