"""The traces' world on a thread of its own, so that Django's tests and a browser can look at a real integrator."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.integrator.traces.world import SYNAPSE, World, api, world

START_S = 30.0


class Live:
    """A running world."""

    def __init__(self, folder: Path, artifacts: dict[tuple[str, str], str]) -> None:
        self.folder, self.artifacts = folder, artifacts
        self.loop = asyncio.new_event_loop()
        self.world: World | None = None
        self.failure: BaseException | None = None
        self._ready, self._over = threading.Event(), asyncio.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    @property
    def here(self) -> World:
        """The world, which has to be there."""
        assert self.world is not None, self.failure
        return self.world

    @property
    def url(self) -> str:
        """Address of the management API."""
        return f"https://localhost:{self.here.running.settings.management_port}"

    @property
    def certificate(self) -> str:
        """What a client has to trust."""
        return (self.here.running.settings.secrets / "tls.crt").read_text()

    def do(self, work: Callable[[World], Coroutine[Any, Any, Any]]) -> Any:
        """Run a coroutine on its loop."""
        return asyncio.run_coroutine_threadsafe(work(self.here), self.loop).result(20)

    def start(self) -> None:
        """Start. Fails when it is not ready in time."""
        self._thread.start()
        assert self._ready.wait(START_S) and self.world is not None, self.failure

    def stop(self) -> None:
        """Stop."""
        if self._thread.is_alive():
            self.loop.call_soon_threadsafe(self._over.set)
            self._thread.join(15)

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        try:
            self.loop.run_until_complete(self._serve())
        except BaseException as error:  # noqa: BLE001 - told by the thread that waits
            self.failure = error
        finally:
            self._ready.set()
            self.loop.run_until_complete(self.loop.shutdown_default_executor())
            self.loop.close()

    async def _serve(self) -> None:
        answers = [
            {"path": "/b", "body": '{"price": 49.5, "stock": 8}', "headers": {"content-type": "application/json"}},
            {"path": "/slow", "body": "{}", "delay": 0.02, "headers": {"content-type": "application/json"}},
        ]
        async with world(self.folder, self.artifacts, answers) as made:
            self.world = made
            self._ready.set()
            await self._over.wait()


@contextmanager
def live(folder: Path) -> Iterator[Live]:
    """A running world with `ARTIFACTS`."""
    made = Live(folder, ARTIFACTS)
    made.start()
    try:
        yield made
    finally:
        made.stop()


def _call(path: str, name: str) -> str:
    return f'<call><endpoint name="{name}"><http method="post" uri-template="{{backend}}{path}"/></endpoint></call>'


CHECK = f"""<sequence {SYNAPSE} name="checkOrder">
  <property name="sku" expression="json-eval($.sku)" description="the item"/>
  <filter source="$ctx:sku" regex="[A-Z]+-[0-9]+"><then><log level="custom"/></then><else><drop/></else></filter>
</sequence>"""
ORDER = f"""
<sequence key="checkOrder"/>
<payloadFactory media-type="json"><format>{{"quantity": 2, "sku": "$1", "note": "&lt;script&gt;alert(1)&lt;/script&gt;"}}</format>
  <args><arg expression="$ctx:sku" evaluator="xml"/></args></payloadFactory>
<header name="X-Channel" value="web" scope="transport"/>
{_call("/b", "Inventory")}
<property name="price" expression="json-eval($.price)"/>
<switch source="$axis2:HTTP_SC"><case regex="200"><payloadFactory media-type="xml">
  <format><confirmed xmlns="" by="us"><price>$1</price></confirmed></format><args><arg expression="$ctx:price"/></args>
</payloadFactory></case><default><drop/></default></switch>
<respond/>"""
STAYS = "<suspendOnFailure><errorCodes>-1</errorCodes><progressionFactor>1</progressionFactor></suspendOnFailure>"
FAULT = f"""<filter xpath="true()"><then><log level="custom"/><call><endpoint><address uri="http://127.0.0.1:1/gone">{STAYS}</address></endpoint></call></then></filter>"""
ITERATE = f"""<iterate expression="json-eval($.items)" id="i" continueParent="true"><target><sequence>
<property name="item" expression="json-eval($.n)"/>{_call("/slow", "Slow")}
<log level="custom"/></sequence></target></iterate><respond/>"""
LONG = "".join(f'<property name="step{n}" value="{n}"/>' for n in range(99)) + "<respond/>"
ARTIFACTS = {
    ("sequences", "checkOrder"): CHECK,
    ("api", "orders"): api(ORDER),
    ("api", "broken"): api(FAULT, name="broken", fault='<property name="seen" value="yes"/><respond/>'),
    ("api", "many"): api(ITERATE, name="many"),
    ("api", "long"): api(LONG, name="long"),
    ("api", "quiet"): api("<respond/>", name="quiet", trace=False),
}
