"""Parameters of an environment (`api_params.yaml` and what the tool makes of it): what they put in place of the archive's own."""

from __future__ import annotations

from typing import Any

from publisher.archive import texts
from publisher.archive.certificates import CLIENT_LIST, CLIENTS, ENDPOINT_LIST, ENDPOINTS
from publisher.archive.texts import word
from publisher.archive.tree import Tree, bad
from publisher.checks.basics import shown

SENT = "params"
"""How mistakes name parameters that came beside the archive."""

INTERMEDIATE = ("Deployment/intermediate_params", "intermediate_params")
WRITTEN = ("Deployment/api_params", "Deployment/params", "api_params", "params")
KINDS = {"rest": "http", "http": "http", "soap": "address", "dynamic": "default", "aws": "awslambda"}
ROUTING = ("load_balanced", "failover")
FIELDS = (
    "endpointType",
    "endpointRoutingPolicy",
    "endpoints",
    "loadBalanceEndpoints",
    "failoverEndpoints",
    "awsLambdaEndpoints",
    "security",
    "certs",
    "mutualSslCerts",
    "deploymentEnvironments",
    "gatewayEnvironments",
    "policies",
    "additionalProperties",
    "dependentAPIs",
)
_ADDRESSES = ("endpointType", "endpointRoutingPolicy", "endpoints", "loadBalanceEndpoints", "failoverEndpoints")
_SIDES = ("production", "sandbox")
_BALANCE = ("sessionManagement", "sessionTimeOut", "algoClassName")
MUTUAL = "mutualssl"


class Params:
    """The parameters of one environment. `file` is what mistakes are told of; the certificates they name are in `tree`."""

    def __init__(self, file: str, values: dict[str, Any]) -> None:
        self.file, self.values = file, values
        for name in values:
            if name not in FIELDS:
                raise bad(file, f"Is not known; allowed: {', '.join(FIELDS)}.", name)

    def of(self, name: str, kind: type[Any]) -> Any:
        """A value, empty when absent. Raises BadArchive when it is of another type."""
        value = self.values.get(name)
        if value is None:
            return kind()
        if not isinstance(value, kind):
            what = {dict: "an object", list: "a list", str: "text"}[kind]
            raise bad(self.file, f"{shown(value)} is not {what}.", name)
        return value

    def dependent(self, folder: str) -> Params:
        """Those of an API in a product, by the name of its folder (`Name-version`)."""
        held = self.of("dependentAPIs", dict).get(folder) or {}
        if not isinstance(held, dict):
            raise bad(self.file, f"{shown(held)} is not an object.", f"dependentAPIs.{folder}")
        return Params(self.file, held)


def find(tree: Tree, environment: str, sent: str = "") -> Params:
    """What was sent beside the archive, else what lies in it. A file with several environments needs the one that is meant.

    Raises BadArchive naming the file, and for an environment that it does not have.
    """
    if sent:
        tree = Tree({f"{SENT}.yaml": sent.encode()})
        return _chosen(SENT, texts.document(tree, f"{SENT}.yaml"), environment)
    for stem in INTERMEDIATE + WRITTEN:
        path = tree.first(*texts.names(stem))
        if path and (stem in INTERMEDIATE or environment):
            return _chosen(path, texts.document(tree, path), environment)
    return Params(SENT, {})


def _chosen(file: str, found: Any, environment: str) -> Params:
    if found is None:
        return Params(file, {})
    if not isinstance(found, dict):
        raise bad(file, f"{shown(found)} is not an object.")
    if "environments" not in found:
        held = found.get("configs", found)
        return Params(file, held if isinstance(held, dict) else {})
    listed = found["environments"]
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        raise bad(file, "Must be a list of objects.", "environments")
    names = [str(one.get("name")) for one in listed]
    if not environment and len(listed) == 1:
        environment = names[0]
    if environment not in names:
        raise bad(file, f"{shown(environment)} is not one of {', '.join(names)}.", "environments")
    held = listed[names.index(environment)].get("configs") or {}
    if not isinstance(held, dict):
        raise bad(file, f"{shown(held)} is not an object.", f"environments[{names.index(environment)}].configs")
    return Params(file, held)


def apply(params: Params, data: dict[str, Any], tree: Tree) -> None:
    """Put the values into an API's `data` and the certificates into `tree`. Raises BadArchive naming the field."""
    extras = data.get(texts.EXTRAS)
    if isinstance(extras, dict) and any(
        name in params.values for name in (*_ADDRESSES, "awsLambdaEndpoints", "security")
    ):
        extras.pop("backends", None)
    if any(name in params.values for name in (*_ADDRESSES, "awsLambdaEndpoints")):
        data["endpointConfig"] = _endpoints(params)
        data["endpointImplementationType"] = "ENDPOINT"
    if "security" in params.values:
        config = data.get("endpointConfig")
        data["endpointConfig"] = config if isinstance(config, dict) else {"endpoint_type": "http"}
        data["endpointConfig"]["endpoint_security"] = _security(params)
    if params.values.get("policies") is not None:
        data["policies"] = [one for one in params.of("policies", list) if one]
    if "additionalProperties" in params.values:
        data["additionalProperties"] = params.values["additionalProperties"]
        data.pop("additionalPropertiesMap", None)
    _certificates(params, tree, "certs", ENDPOINTS, ENDPOINT_LIST, {"hostName": "endpoint"})
    if _certificates(params, tree, "mutualSslCerts", CLIENTS, CLIENT_LIST, {}):
        schemes = data.get("securityScheme")
        data["securityScheme"] = list(dict.fromkeys([*(schemes if isinstance(schemes, list) else []), MUTUAL]))


def deployments(params: Params) -> list[dict[str, Any]] | None:
    """Where to deploy; None when the parameters say nothing of it."""
    if params.values.get("gatewayEnvironments") is not None:
        return [{"deploymentEnvironment": name} for name in params.of("gatewayEnvironments", list)]
    if params.values.get("deploymentEnvironments") is None:
        return None
    return params.of("deploymentEnvironments", list)


def _endpoints(params: Params) -> dict[str, Any]:
    kind = params.of("endpointType", str) or "rest"
    routing = params.of("endpointRoutingPolicy", str)
    if kind not in KINDS:
        raise bad(params.file, f"{shown(kind)} is not one of {', '.join(KINDS)}.", "endpointType")
    if routing and routing not in ROUTING:
        raise bad(params.file, f"{shown(routing)} is not one of {', '.join(ROUTING)}.", "endpointRoutingPolicy")
    if kind == "aws":
        held = dict(params.of("awsLambdaEndpoints", dict))
        return {"endpoint_type": "awslambda", "access_method": held.pop("accessMethod", "role-supplied"), **held}
    if kind == "dynamic":
        default = {"production_endpoints": {"url": "default"}, "sandbox_endpoints": {"url": "default"}}
        return {"endpoint_type": "default", "failOver": "False", **default}
    if routing == "load_balanced":
        return _balanced(params, kind)
    if routing == "failover":
        return _failover(params, kind)
    held = params.of("endpoints", dict)
    return {"endpoint_type": KINDS[kind], **{f"{side}_endpoints": held[side] for side in _SIDES if held.get(side)}}


def _balanced(params: Params, kind: str) -> dict[str, Any]:
    held = params.of("loadBalanceEndpoints", dict)
    found: dict[str, Any] = {"endpoint_type": "load_balance", "failOver": "False"}
    found |= {name: held[name] for name in _BALANCE if held.get(name) is not None}
    found["algoCombo"] = found.get("algoClassName", "org.apache.synapse.endpoints.algorithms.RoundRobin")
    return found | {f"{side}_endpoints": _typed(held[side], kind) for side in _SIDES if held.get(side)}


def _failover(params: Params, kind: str) -> dict[str, Any]:
    held = params.of("failoverEndpoints", dict)
    found: dict[str, Any] = {"endpoint_type": "failover", "failOver": "True"}
    for side in _SIDES:
        if held.get(side):
            found[f"{side}_endpoints"] = _typed(held[side], kind)
        if held.get(f"{side}Failovers"):
            found[f"{side}_failovers"] = _typed(held[f"{side}Failovers"], kind)
    return found


def _typed(value: Any, kind: str) -> Any:
    """Addresses of SOAP backends say so one by one."""
    if kind != "soap":
        return value
    if isinstance(value, list):
        return [_typed(one, kind) for one in value]
    return value | {"endpoint_type": "address"} if isinstance(value, dict) else value


def _security(params: Params) -> dict[str, Any]:
    held = params.of("security", dict)
    if "enabled" in held:
        return dict.fromkeys(_SIDES, held)
    for side in _SIDES:
        value = held.get(side)
        if isinstance(value, dict) and value.get("enabled") in (True, "true") and not value.get("type"):
            raise bad(
                params.file,
                "Is required where security is enabled: basic, digest, oauth or apikey.",
                f"security.{side}.type",
            )
    return {
        side: {**value, "enabled": value.get("enabled") in (True, "true")}
        for side, value in held.items()
        if isinstance(value, dict)
    }


def _certificates(
    params: Params, tree: Tree, name: str, folder: str, stem: str, renamed: dict[str, str]
) -> list[dict[str, Any]]:
    """Write the list of certificates that the parameters name in place of the archive's; what was written."""
    rows = []
    for number, one in enumerate(params.of(name, list)):
        place = f"{name}[{number}]"
        if not isinstance(one, dict):
            raise bad(params.file, f"{shown(one)} is not an object.", place)
        path = word(one, "path", params.file, place).replace("\\", "/").rpartition("/")[2]
        found = tree.first(f"Deployment/certificates/{path}", f"certificates/{path}", f"{folder}/{path}")
        if not found:
            raise bad(params.file, f"The file {shown(path)} is not in Deployment/certificates.", f"{place}.path")
        tree.put(f"{folder}/{path}", tree.files[found])
        rows.append({renamed.get(key, key): value for key, value in one.items()} | {"certificate": path})
    if rows:
        for old in [*texts.names(f"{folder}/{stem}")]:
            tree.files.pop(old, None)
        texts.put(tree, f"{folder}/{stem}", stem, rows, "YAML")
    return rows
