"""Reads, checks, mines and writes OpenAPI 2.0, 3.0 and 3.1 definitions, without ever fetching anything."""

from __future__ import annotations

import os

# jsonschema-rs is installed for the gateway, and openapi-spec-validator would take it: mistakes would have other words.
os.environ.setdefault("OPENAPI_SPEC_VALIDATOR_SCHEMA_VALIDATOR_BACKEND", "jsonschema")
