"""Which keys of deployment.toml have an effect here, which belong to a Java server, and which nobody knows (reference 1.7)."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import Any

USED: dict[str, tuple[str, ...]] = {
    "server": ("hostname", "hot_deployment", "roles", "offset"),
    "mediation": (
        "synapse.global_timeout_interval",
        "synapse.rest.CORSConfig.*",
        "synapse.sal.endpoints.sesssion.timeout.default",
        "synapse.commons.*",
        "synapse.json_out_auto_array",
        "synapse.disable_auto_primitive_regex",
        "synapse.enable_auto_primitive",
        "synapse.enable_xml_nil",
        "synapse.preserve_namespace_on_xml_to_json",
        "synapse.enable_namespace_declaration",
        "synapse.enable_xpath_dom_failover",
        "inbound.port_offset_enable",
    ),
    "synapse_properties": ("*",),
    "datasource": ("id", "url", "username", "password", "driver", "pool_options.*", "jndi_config.*", "description"),
    "service_catalog": ("apim_host", "enable", "username", "password", "executor_threads"),
    "internal_apis": ("*",),
    "management_api": ("*",),
    "secrets": ("*",),
    "external_vault": ("*",),
    "synapse_handlers": ("name", "class", "enabled"),
    "analytics": ("enabled", "publisher", "id", "prefix", "*_analytics.enabled"),
    "python": ("scripts", "packages"),
    "connectors": ("*",),
    "tracing": ("*",),
    "access_log": ("*",),
    "dashboard_config": ("*",),
    "monitoring": ("*",),
    "ws_security": ("*",),
    "keystore": ("*",),
    "truststore": ("*",),
    "proxy_profile": ("*",),
    "transport": (
        "default_content_type",
        "http.default_content_type",
        "http.proxy_profile.*",
        "http.secured_proxy_profile.*",
        "http.listener.*",
        "http.sender.*",
    ),
    "opentelemetry": ("enable", "type", "logs_enabled", "url", "host", "port", "ratio", "headers.*", "properties"),
}
"""Keys by table; `*` stands for any."""
JAVA: dict[str, tuple[str, ...]] = {
    "server": ("enable_mtom", "enable_swa", "synapse_config_file_path", "*_heap*", "jvm*"),
    "mediation": (
        "synapse.*threads*",
        "synapse.*pool_size",
        "synapse.temp_data_chunk_size",
        "synapse.*debugger_port",
        "synapse.maximum_failover_retries",
        "synapse.suspend_duration_on_maximum_failover",
        "synapse.freemarker_templates_base_path",
        "synapse.disable_custom_replace_regex",
        "synapse.build_valid_nc_name",
        "flow.statistics.*",
        "stat.tracer.*",
        "statistics.*",
        "internal_http*",
        "inbound.*threads",
    ),
    **dict.fromkeys(
        (
            "transport",
            "message_builders",
            "message_formatters",
            "custom_message_builders",
            "custom_message_formatters",
            "blocking",
            "tasks",
            "task_handling",
            "cluster_config",
            "prometheus_api",
            "transaction_counter",
            "user_store",
            "realm_manager",
            "transaction_manager",
            "catalina",
            "runtime",
            "logging",
        ),
        ("*",),
    ),
}
"""Keys of the original that change nothing here: threads, buffers, class names, what is always done (valid names)."""


def remarks(tables: dict[str, Any]) -> list[str]:
    """Warnings, one sentence each: keys without an effect together, unknown keys each by name with the nearest known one."""
    unused, unknown = [], []
    for table, key in _keys(tables):
        name = f"[{table}] {key}" if key else f"[{table}]"
        if _listed(USED, table, key):
            continue
        if _listed(JAVA, table, key):
            unused.append(name)
        else:
            unknown.append(f"conf/deployment.toml: {name} is not known{_near(table, key)}; it has no effect")
    if unused:
        unknown.append(f"conf/deployment.toml: without an effect here: {', '.join(unused)}")
    return unknown


def _keys(tables: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """(table, dotted key) of every value; an empty table has an empty key."""
    for table, value in tables.items():
        found: list[str] = []
        for item in value if isinstance(value, list) else [value]:
            found += _dotted(item) if isinstance(item, dict) else [""]
        for key in dict.fromkeys(found or [""]):
            yield table, key


def _dotted(table: dict[str, Any], before: str = "") -> list[str]:
    found = []
    for key, value in table.items():
        path = f"{before}{key}"
        found += _dotted(value, f"{path}.") if isinstance(value, dict) else [path]
    return found


def _listed(known: dict[str, tuple[str, ...]], table: str, key: str) -> bool:
    patterns = known.get(table, ())
    return any(fnmatchcase(key, pattern) for pattern in patterns) or (not key and table in known)


def _near(table: str, key: str) -> str:
    if table not in USED and table not in JAVA:
        near = get_close_matches(table, [*USED, *JAVA], 1)
        return f", did you mean [{near[0]}]?" if near else ""
    near = get_close_matches(key, [*USED.get(table, ()), *JAVA.get(table, ())], 1)
    return f", did you mean {near[0]}?" if near else ""
