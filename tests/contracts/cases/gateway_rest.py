"""The gateway's operations, asked on the control plane and answered by a real gateway process."""

from __future__ import annotations

import atexit
import tempfile
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.test.utils import override_settings

from gateway import schema
from tests.contracts.harness import case
from tests.contracts.world import World
from tests.gateway import world
from tests.gateway.hub import SECRET, FakeHub
from tests.gateway.process import running_gateway

NAMED = "?apiName=rest&version=1.0"


@cache
def gateway() -> str:
    """Address of a gateway with one API that an application subscribes to; it runs until the tests end."""
    stack = ExitStack()
    atexit.register(stack.close)
    hub = FakeHub().start()
    stack.callback(hub.stop)
    operations = (schema.Operation("GET", "/menu", "user", ("read",)), schema.Operation("POST", "/order"))
    api = world.api("rest", "http://127.0.0.1:9", *operations, default_context="/rest")
    records = [("api", "Default:id-rest", api), *world.application(1), world.subscription("rest")]
    for record in records:
        hub.publish(*record, hint=False)
    var = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    running = stack.enter_context(running_gateway(var, hub.url, "redis://127.0.0.1:1/0"))
    running.until_sequence(hub.sequence, seconds=20)
    return f"http://127.0.0.1:{running.http}"


def ask(w: World, method: str, path: str) -> Any:
    """The control plane's answer while that gateway is the installation's."""
    changed = settings.APIM.model_copy(update={"gateway_http_url": gateway()})
    with override_settings(APIM=changed, CLUSTER_SECRET=SECRET):
        return w.gateway.call(method, path)


@case("gateway", "GET /server-startup-healthcheck")
def health(w: World) -> Any:
    return ask(w, "get", "/server-startup-healthcheck")


@case("gateway", "redployAPI")
def redeploy(w: World) -> Any:
    return ask(w, "post", f"/redeploy-api{NAMED}")


@case("gateway", "undeployAPI")
def undeploy(w: World) -> Any:
    answer = ask(w, "post", f"/undeploy-api{NAMED}")
    assert ask(w, "post", f"/redeploy-api{NAMED}").json()["deployStatus"] == "DEPLOYED"
    return answer


@case("gateway", "getAPIArtifacts")
def artifacts(w: World) -> Any:
    return ask(w, "get", f"/api-artifact{NAMED}")


@case("gateway", "getLocalEntries")
def local_entries(w: World) -> Any:
    return ask(w, "get", f"/local-entry{NAMED}")


@case("gateway", "getSequences")
def sequences(w: World) -> Any:
    return ask(w, "get", f"/sequence{NAMED}")


@case("gateway", "getEndpoints")
def endpoints(w: World) -> Any:
    return ask(w, "get", f"/end-points{NAMED}")


@case("gateway", "GET /apis")
def apis(w: World) -> Any:
    return ask(w, "get", "/apis?context=/rest/1.0&version=1.0")


@case("gateway", "GET /apis/{apiId}")
def api(w: World) -> Any:
    return ask(w, "get", "/apis/id-rest")


@case("gateway", "GET /applications")
def applications(w: World) -> Any:
    return ask(w, "get", "/applications?uuid=app-1")


@case("gateway", "GET /subscriptions")
def subscriptions(w: World) -> Any:
    return ask(w, "get", "/subscriptions?apiUUID=id-rest&appUUID=app-1")
