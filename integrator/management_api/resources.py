"""What the management API shows of a deployment: one function for each resource."""

from __future__ import annotations

import platform
import re
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from integrator.engine.artifacts import Artifact, EndpointTemplate, LocalEntry, Sequence, SequenceTemplate
from integrator.engine.databases import Source
from integrator.engine.dataservices.service import DataService
from integrator.engine.deploy.loaded import SERVER
from integrator.engine.deployment import Deployment
from integrator.engine.endpoints.base import Endpoint
from integrator.engine.metrics import VERSION
from integrator.engine.processors import Processor, is_active
from integrator.engine.services.inbound import Inbound
from integrator.engine.services.proxy import Proxy
from integrator.engine.services.rest import Api
from integrator.engine.stores.base import StoreError
from integrator.engine.stores.definition import MEMORY, StoreDefinition
from integrator.engine.switches import STATISTICS, TRACE, is_active_endpoint, task_is_active
from integrator.engine.tasks import Task
from integrator.management_api.answers import Refusal
from integrator.management_api.masking import masked, masked_url, masked_values, masked_xml

DATA_SERVICES = SERVER / "dataservices"
Query = dict[str, str]
Answer = dict[str, Any] | None
Handler = Callable[["View", Query], Awaitable[Answer]]


@dataclass(frozen=True)
class View:
    """A deployment and the addresses under which it is served."""

    deployment: Deployment
    base: str
    home: str


def _common(view: View, artifact: Artifact) -> dict[str, Any]:
    return {
        **_switched(view, artifact),
        "container": _container(artifact),
        "configuration": masked_xml(artifact.text),
    }


def _switched(view: View, artifact: Artifact) -> dict[str, str]:
    switches = view.deployment.runtime.switches
    return {
        "tracing": _word(switches.is_on(TRACE, artifact)),
        "stats": _word(switches.is_on(STATISTICS, artifact)),
    }


def _word(on: bool) -> str:
    return "enabled" if on else "disabled"


def _container(artifact: Artifact) -> str:
    return f"[ Deployed From Artifact Container: {artifact.container} ] " if artifact.container else "[ No container ]"


def counts(deployment: Deployment) -> dict[str, int]:
    """How many artifacts of each resource are deployed."""
    found = dict.fromkeys(RESOURCES.keys() - {"server", "applications"}, 0)
    for kind, _ in deployment.artifacts:
        name = "apis" if kind == "api" else kind
        if name in found:
            found[name] += 1
    found["data-services"] = len(deployment.data_services)
    found["data-sources"] = len(deployment.data_sources | deployment.config.data_sources)
    found["connectors"] = len(deployment.libraries)
    return found


def addresses(view: View) -> dict[str, str]:
    """Address by artifact, as the metrics name artifacts, of everything that is called from outside."""
    found = {f"api:{api.full_name}": view.base + api.root for api in view.deployment.apis}
    services = [("proxy", name) for name in _artifacts(view, "proxy-services")]
    services += [("data-service", name) for name in view.deployment.data_services]
    found |= {f"{kind}:{name}": f"{view.base}/services/{name}" for kind, name in services}
    inbound = _artifacts(view, "inbound-endpoints")
    return found | {f"inbound-endpoint:{name}": getattr(item.value, "protocol", "") for name, item in inbound.items()}


def _list(items: list[dict[str, Any]], query: Query) -> dict[str, Any]:
    wanted = query.get("searchKey", "").lower()
    found = [item for item in items if wanted in str(item.get("name", "")).lower()]
    return {"count": len(found), "list": found}


def _artifacts(view: View, kind: str) -> dict[str, Artifact]:
    return {name: item for (held, name), item in view.deployment.artifacts.items() if held == kind}


async def apis(view: View, query: Query) -> Answer:
    """APIs, or one by apiName."""
    found = {item.value.full_name: item for item in _artifacts(view, "api").values()}
    if "apiName" in query:
        item = found.get(query["apiName"])
        return None if item is None else _api(view, item.value) | _api_detail(item.value) | _common(view, item)
    return _list([_api(view, item.value) | _switched(view, item) for item in found.values()], query)


def _api(view: View, api: Api) -> dict[str, Any]:
    return {"name": api.full_name, "url": view.base + api.root}


def _api_detail(api: Api) -> dict[str, Any]:
    return {
        "context": api.context,
        "host": api.hostname or "localhost",
        "port": api.port or -1,
        "version": api.version or "N/A",
        "urlVersion": api.version,
        "resources": [{"methods": sorted(resource.methods), "url": resource.url} for resource in api.resources],
    }


async def sequences(view: View, query: Query) -> Answer:
    """Sequences, or one by sequenceName."""
    found = _artifacts(view, "sequences")
    if "sequenceName" in query:
        item = found.get(query["sequenceName"])
        return (
            None
            if item is None
            else _sequence(view, item) | {"mediators": [m.tag for m in item.value.mediators]} | _common(view, item)
        )
    return _list([_sequence(view, item) for item in found.values()], query)


def _sequence(view: View, item: Artifact) -> dict[str, Any]:
    assert isinstance(item.value, Sequence)
    return {"name": item.name, "container": _container(item), **_switched(view, item)}


async def endpoints(view: View, query: Query) -> Answer:
    """Endpoints, or one by endpointName."""
    found = _artifacts(view, "endpoints")
    if "endpointName" in query:
        item = found.get(query["endpointName"])
        return None if item is None else _endpoint(item) | _common(view, item)
    return _list([_endpoint(item) for item in found.values()], query)


def _endpoint(item: Artifact) -> dict[str, Any]:
    assert isinstance(item.value, Endpoint)
    shown = {**item.value.describe(), "name": item.name, "isActive": is_active_endpoint(item.value)}
    return masked_values(shown)


async def proxies(view: View, query: Query) -> Answer:
    """Proxy services, or one by proxyServiceName."""
    found = _artifacts(view, "proxy-services")
    if "proxyServiceName" in query:
        item = found.get(query["proxyServiceName"])
        return (
            None
            if item is None
            else _proxy(view, item.value) | {"eprs": [f"{view.base}/services/{item.name}"]} | _common(view, item)
        )
    return _list([_proxy(view, item.value) for item in found.values()], query)


def _proxy(view: View, proxy: Proxy) -> dict[str, Any]:
    url = f"{view.base}/services/{proxy.name}"
    return {"name": proxy.name, "wsdl1_1": f"{url}?wsdl", "wsdl2_0": f"{url}?wsdl2", "isRunning": proxy.start}


async def tasks(view: View, query: Query) -> Answer:
    """Tasks, or one by taskName."""
    found = _artifacts(view, "tasks")
    if "taskName" in query:
        item = found.get(query["taskName"])
        return None if item is None else await _task(view, item.value) | _common(view, item)
    return _list([{"name": name, **await _task_state(view, name)} for name in found], query)


async def _task_state(view: View, name: str) -> dict[str, Any]:
    return {"status": "active" if await task_is_active(view.deployment.runtime.state, name) else "inactive"}


async def _task(view: View, task: Task) -> dict[str, Any]:
    return {
        **await _task_state(view, task.name),
        "name": task.name,
        "taskGroup": task.group,
        "implementation": task.implementation,
        "triggerType": "cron" if task.cron else "simple",
        "triggerCount": "1" if task.once else str(task.count),
        "triggerInterval": str(int((task.interval_s or 0) * 1000)),
        "triggerCron": task.cron.text if task.cron else "",
        "properties": [{"name": name, "value": value} for name, value in task.properties.items()],
    }


async def stores(view: View, query: Query) -> Answer:
    """Message stores with their size, or one by name."""
    found = _artifacts(view, "message-stores")
    if "name" in query:
        item = found.get(query["name"])
        return None if item is None else await _store(view, item) | _common(view, item) | {"file": item.file}
    return _list([await _store(view, item) for item in found.values()], query)


async def _store(view: View, item: Artifact) -> dict[str, Any]:
    definition: StoreDefinition = item.value
    try:
        size = await view.deployment.stores[item.name].size()
    except StoreError:
        size = -1  # a store that cannot be reached is shown all the same
    return {
        "name": item.name,
        "type": f"{'in-memory' if definition.kind == MEMORY else definition.kind}-message-store",
        "size": size,
        "properties": {name: masked(name, value) for name, value in dict(definition.parameters).items()},
    }


async def processors(view: View, query: Query) -> Answer:
    """Message processors, or one by messageProcessorName."""
    found = _artifacts(view, "message-processors")
    name = query.get("messageProcessorName") or query.get("name")
    if name:
        item = found.get(name)
        return (
            None
            if item is None
            else await _processor(view, item.value) | {"parameters": item.value.parameters} | _common(view, item)
        )
    return _list([await _processor(view, item.value) for item in found.values()], query)


async def _processor(view: View, processor: Processor) -> dict[str, Any]:
    active = await is_active(view.deployment, processor)
    kind = {"SamplingProcessor": "Sampling-processor"}.get(processor.kind, "Scheduled-message-forwarding-processor")
    return {
        "name": processor.name,
        "type": kind,
        "messageStore": processor.store,
        "status": "active" if active else "inactive",
    }


async def data_services(view: View, query: Query) -> Answer:
    """Data services, or one by dataServiceName."""
    found = view.deployment.data_services
    if "dataServiceName" in query:
        service = found.get(query["dataServiceName"])
        return (
            None
            if service is None
            else _data_service(view, service) | _data_service_detail(service) | _data_service_text(view, service.name)
        )
    return _list([_data_service(view, service) for service in found.values()], query)


def _data_service(view: View, service: DataService) -> dict[str, Any]:
    url = f"{view.base}/services/{service.name}"
    return {
        "name": service.name,
        "wsdl1_1": f"{url}?wsdl",
        "wsdl2_0": f"{url}?wsdl2",
        "swagger_url": f"{url}?swagger.json",
    }


def _data_service_text(view: View, name: str) -> dict[str, Any]:
    """Source of a data service: of its file, else of its car."""
    texts = [file.read_text("utf-8", "replace") for file in sorted((Path(view.home) / DATA_SERVICES).glob("*.dbs"))]
    texts += [
        part.data.decode("utf-8", "replace")
        for app in view.deployment.applications
        for part in app.parts
        if part.kind == "dataservices"
    ]
    named = re.compile(rf"""<(?:\w+:)?data\s[^>]*\bname\s*=\s*["']{re.escape(name)}["']""")
    return {"configuration": next((masked_xml(text) for text in texts if named.search(text)), "")}


def _data_service_detail(service: DataService) -> dict[str, Any]:
    return {
        "serviceName": service.name,
        "serviceDescription": service.description,
        "serviceGroupName": service.name,
        "queries": [
            {"id": query.id, "dataSourceId": query.config, "namespace": service.namespace}
            for query in service.queries.values()
        ],
        "dataSources": [{"dataSourceId": config.id, "dataSourceType": "RDBMS"} for config in service.configs.values()],
        "operations": [{"operationName": item.name, "queryName": item.call.href} for item in service.operations],
        "resources": [
            {"resourcePath": item.path, "resourceMethod": item.method, "resourceQuery": item.call.href}
            for item in service.resources
        ],
    }


async def local_entries(view: View, query: Query) -> Answer:
    """Local entries, or one by name; values that look like passwords are masked."""
    found = _artifacts(view, "local-entries")
    if "name" in query:
        item = found.get(query["name"])
        return None if item is None else _local_entry(item) | {"value": _masked(item)}
    return _list([_local_entry(item) for item in found.values()], query)


def _local_entry(item: Artifact) -> dict[str, Any]:
    entry: LocalEntry = item.value
    return {"name": item.name, "type": entry.kind}


def _masked(item: Artifact) -> str:
    return masked(item.name, masked_xml(item.value.text))


async def templates(view: View, query: Query) -> Answer:
    """Templates in two lists, or one by type and name."""
    found = _artifacts(view, "templates")
    kinds = {"sequence": SequenceTemplate, "endpoint": EndpointTemplate}
    wanted = kinds.get(query.get("type", ""), object)
    if "type" in query and wanted is object:
        raise Refusal(400, f"query parameter 'type': {query['type'][:50]!r}: allowed are {', '.join(kinds)}")
    if "name" in query:
        item = found.get(query["name"])
        return None if item is None or not isinstance(item.value, wanted) else _template(item) | _common(view, item)
    word = query.get("searchKey", "").lower()
    lists = {
        kind: [{"name": one.name} for one in found.values() if isinstance(one.value, made) and word in one.name.lower()]
        for kind, made in kinds.items()
    }
    if "type" in query:
        return {"count": len(lists[query["type"]]), "list": lists[query["type"]]}
    return {f"{kind}TemplateList": items for kind, items in lists.items()}


def _template(item: Artifact) -> dict[str, Any]:
    names = [getattr(parameter, "name", parameter) for parameter in item.value.parameters]
    return {"name": item.name, "Parameters": names}


async def applications(view: View, query: Query) -> Answer:
    """Carbon applications, active and faulty, or one by carbonAppName."""
    active = [
        {
            "name": app.name,
            "version": app.version,
            "file": app.file.rpartition("/")[2],
            "artifacts": [{"name": part.name, "type": part.kind} for part in app.parts],
        }
        for app in view.deployment.applications
    ]
    if "carbonAppName" in query:
        return next((item for item in active if item["name"] == query["carbonAppName"]), None)
    faulty = [_faulty(file, reasons) for file, reasons in _car_errors(view).items()]
    return {
        "totalCount": len(active) + len(faulty),
        "activeCount": len(active),
        "faultyCount": len(faulty),
        "activeList": active,
        "faultyList": faulty,
    }


def _car_errors(view: View) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for error in view.deployment.errors:
        if ".car" in error.place.file:
            found.setdefault(error.place.file.partition("!")[0].rpartition("/")[2], []).append(str(error))
    return found


def _faulty(file: str, reasons: list[str]) -> dict[str, Any]:
    name, _, version = file.removesuffix(".car").rpartition("_")
    return {"name": name or version, "version": version if name else "", "file": file, "reason": "; ".join(reasons)}


async def server(view: View, _query: Query) -> Answer:
    """What runs here."""
    return {
        "productName": "APIM Integrator",
        "productVersion": VERSION,
        "carbonHome": view.home,
        "javaVersion": f"Python {platform.python_version()}",
        "javaVendor": platform.python_implementation(),
        "javaHome": sys.prefix,
        "osName": platform.system(),
        "osVersion": platform.release(),
        "workDirectory": str(Path.cwd()),
        "refused": [str(error) for error in view.deployment.errors],
    }


async def inbound_endpoints(view: View, query: Query) -> Answer:
    """Inbound endpoints, or one by inboundEndpointName."""
    found = _artifacts(view, "inbound-endpoints")
    if "inboundEndpointName" in query:
        item = found.get(query["inboundEndpointName"])
        return None if item is None else _inbound(view, item) | _inbound_detail(item.value) | _common(view, item)
    return _list([_inbound(view, item) for item in found.values()], query)


def _inbound(view: View, item: Artifact) -> dict[str, Any]:
    closed = item.value.suspended or item.name in view.deployment.runtime.switches.closed
    return {"name": item.name, "protocol": item.value.protocol, "status": "inactive" if closed else "active"}


def _inbound_detail(inbound: Inbound) -> dict[str, Any]:
    parameters = [{"name": name, "value": masked(name, value)} for name, value in inbound.parameters.items()]
    return {"sequence": inbound.sequence, "error": inbound.on_error, "parameters": parameters}


async def connectors(view: View, query: Query) -> Answer:
    """Connector archives."""
    found = [
        {
            "name": one.name,
            "package": one.package,
            "description": one.description,
            "status": _word(one.enabled),
        }
        for one in view.deployment.libraries.values()
    ]
    return _list(found, query)


async def data_sources(view: View, query: Query) -> Answer:
    """Data sources of deployment.toml and of cars, or one by name; passwords are not told."""
    found = view.deployment.data_sources | view.deployment.config.data_sources
    if "name" in query:
        source = found.get(query["name"])
        return None if source is None else _data_source(query["name"], source) | _data_source_detail(source)
    return _list([_data_source(name, source) for name, source in found.items()], query)


def _data_source(name: str, source: Source) -> dict[str, Any]:
    return {"name": name, "type": "RDBMS"}


def _data_source_detail(source: Source) -> dict[str, Any]:
    url = masked_url(source.url)
    return {
        "description": "",
        "url": url,
        "driverClass": source.parts()["drivername"],
        "userName": source.username,
        "configurationParameters": {"url": url, "userName": source.username, "maxActive": source.pool_size},
    }


RESOURCES: dict[str, Handler] = {
    "apis": apis,
    "sequences": sequences,
    "endpoints": endpoints,
    "proxy-services": proxies,
    "tasks": tasks,
    "message-stores": stores,
    "message-processors": processors,
    "data-services": data_services,
    "local-entries": local_entries,
    "templates": templates,
    "applications": applications,
    "inbound-endpoints": inbound_endpoints,
    "connectors": connectors,
    "data-sources": data_sources,
    "server": server,
}
