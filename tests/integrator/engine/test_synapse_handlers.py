"""Synapse handlers in Python: callbacks around every message, false stops, artifacts that come and go (reference 5.13)."""

from __future__ import annotations

from pathlib import Path

from tests.integrator.coverage import covers
from tests.integrator.engine.archives import NS, api
from tests.integrator.engine.harness import backend, eventually, integrator, write

CLASSES = """
import threading
SEEN = []
class Watch:
    def handleRequestInFlow(self, mc):
        SEEN.append("in")
        mc.setProperty("watched", "yes")
        if mc.getProperty("X-Stop", "transport") == "in":
            mc.setProperty("HTTP_SC", "403", "axis2")
            mc.setPayloadJSON({"stopped": True})
            return False
    def handleRequestOutFlow(self, mc):
        SEEN.append("out")
        mc.setProperty("X-Signed", "by handler", "transport")
        return mc.getProperty("stop") != "out"
    def handleResponseInFlow(self, mc):
        SEEN.append("back")
    def handleResponseOutFlow(self, mc):
        SEEN.append("answer")
        mc.setProperty("X-Seen", "yes", "transport")
    def handleError(self, mc):
        SEEN.append("error " + mc.getProperty("ERROR_MESSAGE"))
    def handleArtifactDeployment(self, kind, name):
        if kind == "api": SEEN.append("came " + name)
    def handleArtifactUnDeployment(self, kind, name):
        if kind == "api": SEEN.append("went " + name)
class Second:
    reads_content = True
    def handleRequestInFlow(self, mc):
        SEEN.append("second " + mc.getPayloadText()[:8])
"""
CONFIG = """[python]
packages = ["house_of_handlers"]
[[synapse_handlers]]
name = "watch"
class = "house_of_handlers.Watch"
[[synapse_handlers]]
name = "second"
class = "house_of_handlers.Second"
"""


@covers("runtime.synapseHandler")
async def test_handlers(tmp_path: Path) -> None:
    """In order around the flow; false answers with what the handler made, or faults; without them nothing is asked."""
    home = tmp_path / "home"
    (home / "python").mkdir(parents=True)
    (home / "python" / "house_of_handlers.py").write_text(CLASSES)
    write(home, "conf", "deployment.toml", CONFIG)
    fault = f'<sequence {NS} name="fault"><drop/></sequence>'
    write(home, "sequences", "fault", fault)
    async with backend([{"headers": {"content-type": "application/json"}, "body": "{}"}]) as stub:
        call = f'<call><endpoint><http method="POST" uri-template="http://127.0.0.1:{stub.port}/b"/></endpoint></call><respond/>'
        stop = '<property name="stop" expression="$url:stop"/>'
        file = write(home, "api", "t", api("t", stop + call))
        async with integrator(home) as running:
            assert running.service.engine.deployment.errors == ()
            from house_of_handlers import SEEN  # type: ignore[import-not-found]  # noqa: PLC0415  (made by this test)

            assert SEEN == ["came t"]
            SEEN.clear()
            kind = {"content-type": "application/json"}
            answer = await running.call("POST", "/t", kind, b'{"a": 1}')
            assert (answer.status, answer.headers["x-seen"]) == (200, "yes")
            assert stub.seen[0].headers["x-signed"] == "by handler"
            assert SEEN == ["in", 'second {"a": 1}', "out", "back", "answer"]
            stub.seen.clear()
            answer = await running.call("POST", "/t", kind | {"x-stop": "in"}, b"{}")
            assert (answer.status, answer.body, stub.seen) == (403, b'{"stopped":true}', [])
            SEEN.clear()
            assert (await running.call("POST", "/t?stop=out", kind, b"{}")).status == 500
            assert SEEN[-1] == "error a synapse handler stopped the message in handleRequestOutFlow" and not stub.seen
            SEEN.clear()
            write(home, "conf", "deployment.toml", CONFIG.partition("[[synapse")[0])
            await eventually(lambda: running.service.engine.deployment.config.tables.get("synapse_handlers") is None)
            answer = await running.call("POST", "/t", kind, b"{}")
            assert (answer.status, "x-seen" in answer.headers, SEEN) == (200, False, [])
            write(home, "conf", "deployment.toml", CONFIG.replace("Second", "Third"))
            await eventually(lambda: running.service.engine.deployment.errors)
            error = str(running.service.engine.deployment.errors[0])
            assert (
                "conf/deployment.toml <synapse_handlers second>: class 'house_of_handlers.Third' cannot be loaded"
                in error
            )
            assert (await running.call("POST", "/t", kind, b"{}")).headers["x-seen"] == "yes"
            file.unlink()
            await eventually(lambda: "went t" in SEEN)
