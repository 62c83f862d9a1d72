"""amazons3: buckets and objects of Amazon S3 and of stores that speak as it does."""

from integrator.connectors.amazons3 import buckets, objects
from integrator.connectors.amazons3.connection import CONNECTOR

__all__ = ["CONNECTOR", "buckets", "objects"]
