"""Checks of everything a caller may set on an API. Each names the field, the value and what is allowed."""

from publisher.checks.basics import Problems

__all__ = ["Problems"]
