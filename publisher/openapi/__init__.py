"""Reads, checks, mines and writes OpenAPI 2.0, 3.0 and 3.1 definitions, without ever fetching anything."""
