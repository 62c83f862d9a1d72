"""Faults of data services (reference 6.8)."""

from __future__ import annotations

from typing import Any

from lxml import etree

from integrator.engine.xmltools import Element

NAMESPACE = "http://ws.wso2.org/dataservice"
DATABASE_ERROR = "DATABASE_ERROR"
CONNECTION_ERROR = "CONNECTION_UNAVAILABLE_ERROR"
VALIDATION_ERROR = "VALIDATION_ERROR"
INCOMPATIBLE_PARAMETERS = "INCOMPATIBLE_PARAMETERS_ERROR"
UNKNOWN_ERROR = "UNKNOWN_ERROR"


class DataServiceFault(Exception):
    """A request that a data service refuses or cannot carry out."""

    def __init__(self, code: str, message: str):
        super().__init__(message)
        self.code = code
        self.service = ""
        self.request = ""
        self.parameters: dict[str, Any] = {}

    def fields(self) -> dict[str, Any]:
        """The parts of DataServiceFault."""
        return {
            "current_params": "{" + ", ".join(f"{key}={value}" for key, value in self.parameters.items()) + "}",
            "current_request_name": self.request,
            "nested_exception": str(self),
            "source_data_service": {"data_service_name": self.service, "default_namespace": NAMESPACE},
            "ds_code": self.code,
        }

    def detail(self) -> str:
        """Code, text, request and parameters in one text."""
        fields = self.fields()
        return (
            f"DS Fault Message: {self}\nDS Code: {self.code}\nSource Data Service:-\nName: {self.service}\n"
            f"Default Namespace: {NAMESPACE}\nCurrent Request Name: {self.request}\nCurrent Params: {fields['current_params']}"
        )

    def to_xml(self) -> Element:
        """The fault as an element."""
        root = etree.Element(f"{{{NAMESPACE}}}DataServiceFault", nsmap={None: NAMESPACE})
        root.text = None
        _fill(root, self.fields())
        return root


def _fill(parent: Element, fields: dict[str, Any]) -> None:
    for name, value in fields.items():
        item = etree.SubElement(parent, f"{{{NAMESPACE}}}{name}")
        if isinstance(value, dict):
            _fill(item, value)
        else:
            item.text = str(value)
