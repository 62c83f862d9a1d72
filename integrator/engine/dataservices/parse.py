"""Reads a .dbs file (reference 6)."""

from __future__ import annotations

import re
from typing import Any

from integrator.engine.databases import DatabaseUrlError, Source
from integrator.engine.dataservices.faults import NAMESPACE
from integrator.engine.dataservices.records import (
    CallQuery,
    Config,
    Field,
    Operation,
    Parameter,
    Query,
    Result,
    Validator,
)
from integrator.engine.dataservices.service import DataService
from integrator.engine.dataservices.template import result_of_template
from integrator.engine.reader import Reader
from integrator.engine.xmltools import Element, child, children, local, text_of

ALLOWED = (
    "description",
    "config",
    "query",
    "operation",
    "resource",
    "policy",
    "enableSec",
    "authorization_provider",
    "event-trigger",
    "passwordManager",
)
_NAMED = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|::|(?<![\w:]):([A-Za-z_]\w*)|\?")


def read_service(root: Element, reader: Reader) -> DataService:
    """Read a `data` element. Raises DeploymentError."""
    if local(root) != "data":
        raise reader.fail(root, f"root element <{local(root)}>: allowed is data")
    reader.only(root, ALLOWED)
    configs = {config.id: config for config in (read_config(item, reader) for item in _all(root, "config"))}
    queries = {query.id: query for query in (read_query(item, reader) for item in _all(root, "query"))}
    for item in _all(root, "query"):
        if item.get("useConfig") not in configs:
            raise reader.fail(
                item, f"attribute useConfig={item.get('useConfig')!r}: defined are {', '.join(configs) or 'none'}"
            )
    operations = [read_operation(item, reader) for item in _all(root, "operation")]
    resources = [read_resource(item, reader) for item in _all(root, "resource")]
    for item in root.iter("{*}call-query"):
        if item.get("href") not in queries:
            raise reader.fail(
                item, f"attribute href={item.get('href')!r}: defined queries are {', '.join(queries) or 'none'}"
            )
    return DataService(
        name=reader.required(root, "name"),
        namespace=root.get("serviceNamespace") or NAMESPACE,
        description=text_of(child(root, "description")),
        active=(root.get("serviceStatus") or "active") == "active",
        batch=reader.flag(root, "enableBatchRequests"),
        boxes=reader.flag(root, "enableBoxcarring"),
        configs=configs,
        queries=queries,
        operations=operations,
        resources=resources,
    )


def _all(root: Element, name: str) -> list[Element]:
    return [item for item in children(root) if local(item) == name]


def read_config(element: Element, reader: Reader) -> Config:
    """One config element: a JDBC URL or a named data source."""
    properties = {item.get("name"): text_of(item) for item in children(element) if local(item) == "property"}
    identity = reader.required(element, "id")
    if properties.get("carbon_datasource_name"):
        return Config(identity, None, properties["carbon_datasource_name"])
    url = properties.get("url") or properties.get("org.wso2.ws.dataservice.protocol")
    if not url:
        raise reader.fail(
            element, "no property url or carbon_datasource_name; other kinds of data source are not supported"
        )
    user = properties.get("username") or properties.get("org.wso2.ws.dataservice.user") or ""
    password = properties.get("password") or properties.get("org.wso2.ws.dataservice.password") or ""
    size = reader.integer(element, properties.get("maxActive"), "property maxActive", 10)
    source = Source(url, user, password, max(1, min(size, 50)))
    try:
        source.parts()
    except DatabaseUrlError as error:
        raise reader.fail(element, str(error)) from error
    return Config(identity, source)


def read_query(element: Element, reader: Reader) -> Query:
    """One query element."""
    sqls = _all(element, "sql")
    if not sqls:
        raise reader.fail(element, "child <sql> is required; other kinds of query are not supported")
    chosen = next((item for item in sqls if not item.get("dialect")), sqls[0])
    parameters = tuple(read_parameter(item, reader) for item in _all(element, "param"))
    sql, order = positional(text_of(chosen), [parameter.name for parameter in parameters])
    known = {parameter.name.lower() for parameter in parameters}
    missing = [name for name in order if name.lower() not in known]
    if missing:
        raise reader.fail(
            chosen, f"SQL parameter :{missing[0]} has no <param>; declared are {', '.join(sorted(known)) or 'none'}"
        )
    settings_element = child(element, "properties")
    settings = {
        item.get("name"): text_of(item) for item in (children(settings_element) if settings_element is not None else [])
    }
    result = child(element, "result")
    return Query(
        id=reader.required(element, "id"),
        config=element.get("useConfig") or "",
        sql=sql,
        order=tuple(order),
        parameters=parameters,
        result=read_result(result, reader) if result is not None else None,
        generated_keys=reader.flag(element, "returnGeneratedKeys"),
        key_columns=tuple(name.strip() for name in (element.get("keyColumns") or "").split(",") if name.strip()),
        row_count=reader.flag(element, "returnUpdatedRowCount"),
        timeout_s=reader.integer(element, settings.get("queryTimeout"), "queryTimeout", 0),
        max_rows=reader.integer(element, settings.get("maxRows"), "maxRows", 0),
    )


def positional(sql: str, declared: list[str]) -> tuple[str, list[str]]:
    """SQL with `?` for every parameter, and the parameter of each mark."""
    order: list[str] = []
    left = list(declared)

    def replace(found: re.Match[str]) -> str:
        if found.group(1):
            order.append(found.group(1))
            return "?"
        if found.group() == "?":
            order.append(left.pop(0) if left else "?")
        return found.group()

    return _NAMED.sub(replace, sql), order


def read_parameter(element: Element, reader: Reader) -> Parameter:
    """One param element with its validators."""
    kind = reader.choice(element, "type", ("IN", "OUT", "INOUT"), "IN")
    if kind != "IN":
        raise reader.fail(element, f"attribute type={kind!r}: stored procedures are not supported; allowed is IN")
    return Parameter(
        name=reader.required(element, "name"),
        sql_type=(element.get("sqlType") or "STRING").upper(),
        array=reader.choice(element, "paramType", ("SCALAR", "ARRAY"), "SCALAR") == "ARRAY",
        default=element.get("defaultValue"),
        optional=reader.flag(element, "optional"),
        force_default=reader.flag(element, "forceDefault"),
        validators=tuple(read_validator(item, reader) for item in children(element)),
    )


def read_validator(element: Element, reader: Reader) -> Validator:
    """One validator element."""
    name = local(element)
    if name == "validatePattern":
        pattern = reader.regex(element, "pattern")
        return lambda field, value: (
            None if pattern.fullmatch(value) else f"The value does not match the pattern {pattern.pattern}"
        )
    if name not in ("validateLength", "validateLongRange", "validateDoubleRange"):
        allowed = "validateLength, validateLongRange, validateDoubleRange, validatePattern"
        raise reader.fail(element, f"unknown validator <{name}>; allowed are {allowed}")
    low = float(element.get("minimum") or "-inf")
    high = float(element.get("maximum") or "inf")
    what = "The value length" if name == "validateLength" else "The value"
    return _range(len if name == "validateLength" else float, low, high, what)


def _range(measure: Any, low: float, high: float, what: str) -> Validator:
    def check(_field: str, value: str) -> str | None:
        try:
            size = measure(value)
        except ValueError:
            return "The value is not a number"
        return None if low <= size <= high else f"{what} must be between {low:g} and {high:g}"

    return check


def read_result(element: Element, reader: Reader) -> Result:
    """One result element: XML mapping or JSON template."""
    kind = reader.choice(element, "outputType", ("xml", "json"), "xml")
    if kind == "json":
        try:
            return result_of_template(text_of(element))
        except ValueError as error:
            raise reader.fail(element, f"JSON template: {error}") from error
    return Result(
        element=element.get("element") or "result",
        row_name=element.get("rowName") or "",
        fields=tuple(read_field(item, reader) for item in children(element)),
        namespace=element.get("defaultNamespace") or "",
        by_number=reader.flag(element, "useColumnNumbers"),
    )


def read_field(element: Element, reader: Reader) -> Field:
    """One element, attribute or call-query of a result."""
    name = local(element)
    if name == "call-query":
        return Field("", call=read_call(element, reader))
    if name == "call-query-group":
        return Field("", kind="group", fields=tuple(read_field(item, reader) for item in children(element)))
    if name not in ("element", "attribute"):
        allowed = "element, attribute, call-query, call-query-group"
        raise reader.fail(element, f"element <{name}> is not allowed in a result; allowed are {allowed}")
    kind = next((kind for kind in ("column", "query-param", "value") if element.get(kind) is not None), "")
    inner = tuple(read_field(item, reader) for item in children(element))
    if not kind and not inner:
        raise reader.fail(element, "one of the attributes column, query-param, value, or child elements, is required")
    return Field(
        name=reader.required(element, "name"),
        kind=kind or "group",
        reference=element.get(kind) or "" if kind else "",
        xsd_type=(element.get("xsdType") or "string").rpartition(":")[2],
        attribute=name == "attribute",
        optional=reader.flag(element, "optional"),
        fields=inner,
        export=element.get("export") or "",
    )


def read_call(element: Element, reader: Reader) -> CallQuery:
    """A call-query element."""
    parameters = []
    for item in _all(element, "with-param"):
        kind = next((kind for kind in ("query-param", "column", "value") if item.get(kind) is not None), None)
        if kind is None:
            raise reader.fail(item, "one of the attributes query-param, column, value is required")
        parameters.append((reader.required(item, "name"), kind, item.get(kind)))
    return CallQuery(reader.required(element, "href"), tuple(parameters))


def _only_call(element: Element, reader: Reader) -> CallQuery:
    call = child(element, "call-query")
    if call is None:
        raise reader.fail(element, "child <call-query> is required")
    return read_call(call, reader)


def read_operation(element: Element, reader: Reader) -> Operation:
    """One operation element."""
    return Operation(
        reader.required(element, "name"), _only_call(element, reader), reader.flag(element, "returnRequestStatus")
    )


def read_resource(element: Element, reader: Reader) -> Operation:
    """One resource element; its operation name is made from method and path."""
    method = reader.choice(element, "method", ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"), "GET")
    path = reader.required(element, "path").strip("/")
    name = "_" + (method + path).replace("/", "_").replace("{", "").replace("}", "").lower()
    status = reader.flag(element, "returnRequestStatus")
    return Operation(name, _only_call(element, reader), status, method, path, text_of(child(element, "description")))
