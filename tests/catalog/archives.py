"""Archives as integrators send them, valid by default."""

from __future__ import annotations

import io
import zipfile

import yaml

OPENAPI = """openapi: 3.0.3
info: {title: Customers, version: '1.0'}
paths:
  /customers:
    get:
      responses: {'200': {description: All}}
"""


def metadata(**fields: object) -> dict[str, object]:
    """The metadata of a service, with some fields overridden; None leaves a field out."""
    usual = {
        "key": "customers-1.0",
        "name": "customers",
        "displayName": "Customers",
        "version": "1.0",
        "description": "Reads and creates customers",
        "serviceUrl": "http://localhost:8290/customers",
        "definitionType": "OAS3",
        "securityType": "NONE",
        "mutualSSLEnabled": False,
    }
    return {name: value for name, value in {**usual, **fields}.items() if value is not None}


def files(folder: str = "customers_v1.0", definition: str = OPENAPI, **fields: object) -> dict[str, str]:
    """The two files of one service."""
    return {f"{folder}/metadata.yaml": yaml.safe_dump(metadata(**fields)), f"{folder}/definition.yaml": definition}


def archive(*services: dict[str, str] | dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip of the given files; one service when none is given."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", compression) as made:
        for members in services or (files(),):
            for name, text in members.items():
                made.writestr(name, text)
    return target.getvalue()
