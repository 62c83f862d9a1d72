"""A deployed data service: operations, resources, and how a request finds them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lxml import etree

from integrator.engine.databases import Pools, Source
from integrator.engine.dataservices.execute import Session
from integrator.engine.dataservices.faults import INCOMPATIBLE_PARAMETERS, NAMESPACE, DataServiceFault
from integrator.engine.dataservices.records import Config, Operation, Query
from integrator.engine.dataservices.rows import Table, to_json, to_xml
from integrator.engine.services.pathtemplate import PathTemplate
from integrator.engine.xmltools import Element

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

Call = tuple[str, dict[str, Any]]
BATCH = "_batch_req"


@dataclass
class DataService:
    """Records of one service. `pools` and `data_source` are given by the deployment."""

    name: str
    namespace: str
    description: str
    active: bool
    batch: bool
    boxes: bool
    configs: dict[str, Config]
    queries: dict[str, Query]
    operations: Sequence[Operation]
    resources: Sequence[Operation]
    pools: Pools = field(default_factory=Pools)
    data_source: Callable[[str], Source | None] = lambda name: None

    def __post_init__(self) -> None:
        self.by_name = {item.name.lower(): item for item in (*self.operations, *self.resources)}
        self._paths = [(PathTemplate("/" + item.path), item) for item in self.resources]

    def find(self, method: str, path: str) -> tuple[Operation, dict[str, str]] | None:
        """The resource of a method and path, with its path variables."""
        for template, item in self._paths:
            if item.method == method:
                found = template.match("/" + path.strip("/"))
                if found is not None:
                    return item, found
        return None

    def has_path(self, path: str) -> bool:
        """Whether some resource has this path, whatever its method."""
        return any(template.match("/" + path.strip("/")) is not None for template, _ in self._paths)

    def call_all(
        self, calls: Sequence[Call], borrow: Callable[[Source], Connection] | None = None
    ) -> Table | str | None:
        """Run operations in order in one transaction, that of `borrow` if given; the last result. Raises DataServiceFault."""
        result: Table | str | None = None
        name = ""
        parameters: dict[str, Any] = {}
        try:
            with Session(self, self.pools, self.data_source, borrow) as session:
                for name, parameters in calls:
                    operation = self.by_name.get(name.lower())
                    if operation is None:
                        known = ", ".join(item.name for item in self.by_name.values())
                        raise DataServiceFault(
                            INCOMPATIBLE_PARAMETERS, f"operation {name!r} is unknown; known are {known}"
                        )
                    inputs = {key.lower(): value for key, value in parameters.items()}
                    answer = session.call(operation.call, inputs, {})
                    result = answer or ("SUCCESSFUL" if operation.request_status else result)
        except DataServiceFault as fault:
            fault.service, fault.request, fault.parameters = self.name, name, parameters
            raise
        return result

    def to_xml(self, result: Table | str) -> Element:
        """A result as an element."""
        if isinstance(result, str):
            root = etree.Element(f"{{{NAMESPACE}}}REQUEST_STATUS", nsmap={None: NAMESPACE})
            root.text = result
            return root
        return to_xml(result, self.namespace)

    def to_json(self, result: Table | str) -> Any:
        """A result as a JSON value."""
        return {"REQUEST_STATUS": result} if isinstance(result, str) else to_json(result)
