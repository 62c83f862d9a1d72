"""Operation policies at design time: specifications, their attributes' values, and those that ship with the product."""

from __future__ import annotations
