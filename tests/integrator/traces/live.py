"""The traces' world on a thread of its own, so that Django's tests and a browser can look at a real integrator."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.integrator.on_a_thread import OnAThread
from tests.integrator.traces.world import SYNAPSE, World, api, world

ANSWERS = [
    {"path": "/b", "body": '{"price": 49.5, "stock": 8}', "headers": {"content-type": "application/json"}},
    {"path": "/slow", "body": "{}", "delay": 0.02, "headers": {"content-type": "application/json"}},
]


class Live(OnAThread[World]):
    """A running world."""

    @property
    def url(self) -> str:
        """Address of the management API."""
        return f"https://localhost:{self.here.running.settings.management_port}"

    @property
    def certificate(self) -> str:
        """What a client has to trust."""
        return (self.here.running.settings.secrets / "tls.crt").read_text()


@contextmanager
def live(folder: Path) -> Iterator[Live]:
    """A running world with `ARTIFACTS`."""
    made = Live(lambda: world(folder, ARTIFACTS, [dict(answer) for answer in ANSWERS]))
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
