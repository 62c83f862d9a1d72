"""Kinds of artifacts as the management API names them, and how one item of each is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Kind:
    """`resource` in paths, `parameter` for one artifact, `state` the field that says if it is active, `metric` in figures."""

    resource: str
    label: str
    one: str
    parameter: str
    state: str = ""
    traced: bool = False
    counted: bool = False
    metric: str = ""

    def active(self, item: dict[str, Any]) -> bool | None:
        """Whether it is active; None for kinds that are not switched."""
        if not self.state or self.state not in item:
            return None
        return item[self.state] in (True, "active")


KINDS = {
    kind.resource: kind
    for kind in (
        Kind("apis", "APIs", "API", "apiName", traced=True, counted=True, metric="api"),
        Kind("proxy-services", "Proxy services", "Proxy service", "proxyServiceName", "isRunning", True, True, "proxy"),
        Kind("data-services", "Data services", "Data service", "dataServiceName", metric="data-service"),
        Kind(
            "inbound-endpoints",
            "Inbound endpoints",
            "Inbound endpoint",
            "inboundEndpointName",
            "status",
            True,
            True,
            "inbound-endpoint",
        ),
        Kind("endpoints", "Endpoints", "Endpoint", "endpointName", "isActive", True),
        Kind("sequences", "Sequences", "Sequence", "sequenceName", traced=True, counted=True),
        Kind("templates", "Templates", "Template", "name", traced=True),
        Kind("tasks", "Tasks", "Task", "taskName", "status"),
        Kind("message-stores", "Message stores", "Message store", "name"),
        Kind("message-processors", "Message processors", "Message processor", "messageProcessorName", "status"),
        Kind("local-entries", "Local entries", "Local entry", "name"),
        Kind("data-sources", "Data sources", "Data source", "name"),
        Kind("connectors", "Connectors", "Connector", ""),
    )
}


def items_of(kind: Kind, answer: dict[str, Any]) -> list[dict[str, Any]]:
    """The list of an answer; templates come in two, which become one with their type."""
    if kind.resource == "templates":
        return [
            {**item, "type": word}
            for word in ("sequence", "endpoint")
            for item in answer.get(f"{word}TemplateList", ())
            if isinstance(item, dict)
        ]
    found = answer.get("list", [])
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []
