"""Clients of an API in many languages, made from its definition by OpenAPI Generator (docs/decisions/0011)."""
