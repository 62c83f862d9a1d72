"""The parts of AsyncAPI 2.0 to 2.6 that a gateway and its readers depend on, as a JSON schema; extensions may stand anywhere."""

from __future__ import annotations

from typing import Any

_TEXT = {"type": "string"}
_OBJECT = {"type": "object"}
_OPERATION: dict[str, Any] = {
    "type": "object",
    "properties": {
        "operationId": _TEXT,
        "summary": _TEXT,
        "description": _TEXT,
        "message": _OBJECT,
        "bindings": _OBJECT,
        "tags": {"type": "array", "items": {"type": "object", "required": ["name"]}},
        "traits": {"type": "array"},
        "x-scopes": {"type": "array", "items": _TEXT},
    },
}
_CHANNEL: dict[str, Any] = {
    "type": "object",
    "properties": {
        "description": _TEXT,
        "parameters": {"type": "object", "additionalProperties": _OBJECT},
        "subscribe": _OPERATION,
        "publish": _OPERATION,
        "bindings": _OBJECT,
        "servers": {"type": "array", "items": _TEXT},
    },
}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["asyncapi", "info", "channels"],
    "properties": {
        "asyncapi": {"type": "string"},
        "id": _TEXT,
        "info": {
            "type": "object",
            "required": ["title", "version"],
            "properties": {
                "title": {"type": "string", "minLength": 1},
                "version": {"type": "string", "minLength": 1},
                "description": _TEXT,
                "contact": _OBJECT,
                "license": {"type": "object", "required": ["name"]},
            },
        },
        "servers": {
            "type": "object",
            "additionalProperties": {
                "type": "object",
                "anyOf": [{"required": ["url", "protocol"]}, {"required": ["$ref"]}],
                "properties": {"url": _TEXT, "protocol": _TEXT, "variables": _OBJECT},
            },
        },
        "channels": {"type": "object", "additionalProperties": _CHANNEL},
        "components": _OBJECT,
        "defaultContentType": _TEXT,
        "tags": {"type": "array", "items": {"type": "object", "required": ["name"]}},
    },
}
