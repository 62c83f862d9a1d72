"""redis: commands on keys, strings, hashes, lists, sets and sorted sets."""

from integrator.connectors.redis.connection import CONNECTOR
from integrator.connectors.redis.operations import declare_all

declare_all(CONNECTOR)

__all__ = ["CONNECTOR"]
