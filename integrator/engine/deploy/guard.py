"""What is looked at once all artifacts are read: proxies that belong to other servers, and policies that do not work."""

from __future__ import annotations

import logging
from dataclasses import replace

from integrator.engine.artifacts import Artifact
from integrator.engine.config import Config
from integrator.engine.deployment import Deployment
from integrator.engine.errors import DeploymentError, Fault, Place
from integrator.engine.services.guarded import GuardedProxy
from integrator.engine.services.proxy import Proxy
from integrator.engine.wss.engaged import engage

log = logging.getLogger("integrator.deployment")

Artifacts = dict[tuple[str, str], Artifact]


def on_this_server(artifacts: Artifacts, config: Config) -> Artifacts:
    """The artifacts without proxies that are pinned to other servers. This one is `[server] name`, else its host name."""
    name = str(config.tables.get("server", {}).get("name") or config.hostname)
    kept = {}
    for key, artifact in artifacts.items():
        proxy = artifact.value
        if isinstance(proxy, Proxy) and proxy.pinned and name not in proxy.pinned:
            log.info("proxy %s is pinned to %s; this server is %s", proxy.name, ", ".join(sorted(proxy.pinned)), name)
        else:
            kept[key] = artifact
    return kept


def with_policies(deployment: Deployment) -> Deployment:
    """The deployment, with an error for each proxy whose policy cannot be enforced: it answers with faults until it can."""
    problems = []
    for (_, name), artifact in deployment.artifacts.items():
        proxy = artifact.value
        if not isinstance(proxy, GuardedProxy):
            continue
        for key in sorted({proxy.inward, proxy.outward} - {""}):
            try:
                engage(deployment, key)
            except Fault as fault:
                text = f"attribute key={key!r} of proxy {name}: {fault.message}"
                problems.append(DeploymentError(Place(artifact.file, element="policy"), text))
                log.error("%s", problems[-1])
    return replace(deployment, errors=(*deployment.errors, *problems)) if problems else deployment
