"""Switches have their effect at once, and last as long as documented."""

from __future__ import annotations

from pathlib import Path

from integrator.engine.scheduler import Scheduler
from tests.integrator.coverage import covers
from tests.integrator.engine.harness import eventually, write
from tests.integrator.management.world import ARTIFACTS, managed


@covers("mgmt.proxy-services")
async def test_a_stopped_proxy_is_not_found(tmp_path: Path) -> None:
    """Stopped it is not served, other files' deployment leaves it so, a new version of it starts again."""
    async with managed(tmp_path) as session:
        running = session.running
        assert (await running.call("GET", "/services/quotes")).status == 200
        told = await session.call("POST", "/proxy-services", {"name": "quotes", "status": "inactive"})
        assert told == (200, {"Message": "Proxy service quotes stopped successfully"})
        assert (await running.call("GET", "/services/quotes")).status == 404
        assert (await session.named("proxy-services"))["isRunning"] is False
        write(tmp_path / "home", "api", "two", ARTIFACTS["api"].replace("shop", "other"))
        await eventually(lambda: ("api", "other") in running.service.engine.deployment.artifacts)
        assert (await running.call("GET", "/services/quotes")).status == 404
        await session.call("POST", "/proxy-services", {"name": "quotes", "status": "active"})
        assert (await running.call("GET", "/services/quotes")).status == 200


@covers("mgmt.endpoints", "endpoint.statemachine")
async def test_an_endpoint_is_switched_off(tmp_path: Path) -> None:
    """Off: it is not asked and says so; on: it is tried again."""
    async with managed(tmp_path) as session:
        endpoint = session.running.service.engine.deployment.endpoint("store")
        assert (await session.named("endpoints"))["isActive"] is True
        told = await session.call("POST", "/endpoints", {"name": "store", "status": "inactive"})
        assert told == (200, {"Message": "store is switched Off"})
        assert (await session.named("endpoints"))["isActive"] is False and not endpoint.state.ready()
        await session.call("POST", "/endpoints", {"name": "store", "status": "active"})
        assert (await session.named("endpoints"))["isActive"] is True and endpoint.state.ready()


@covers("mgmt.inbound-endpoints")
async def test_an_inbound_endpoint_closes_its_port(tmp_path: Path) -> None:
    """Inactive: nobody listens; active: somebody does."""
    async with managed(tmp_path) as session:
        held = session.running.service.inbounds
        await eventually(lambda: "door" in held._open)
        await session.call("POST", "/inbound-endpoints", {"name": "door", "status": "inactive"})
        await eventually(lambda: "door" not in held._open)
        assert (await session.named("inbound-endpoints"))["status"] == "inactive"
        await session.call("POST", "/inbound-endpoints", {"name": "door", "status": "active"})
        await eventually(lambda: "door" in held._open)


@covers("mgmt.tasks", "mgmt.message-processors")
async def test_tasks_and_processors_rest(tmp_path: Path) -> None:
    """An inactive task injects nothing, an inactive processor moves nothing; both are told."""
    async with managed(tmp_path) as session:
        deployment = session.running.service.engine.deployment
        seen: list[str] = []
        deployment.registry.write_property("conf:/seen", "no")
        scheduler = Scheduler(lambda: deployment)
        await session.call("POST", "/tasks", {"name": "tick", "status": "inactive"})
        assert (await session.named("tasks"))["status"] == "inactive"
        original, scheduler_module = (
            scheduler._run_task,
            __import__("integrator.engine.scheduler", fromlist=["run_task"]),
        )

        async def noted(_: object, name: str) -> None:
            seen.append(name)

        held, scheduler_module.run_task = scheduler_module.run_task, noted
        try:
            await original("tick")
            assert seen == []
            await session.call("POST", "/tasks", {"name": "tick", "status": "active"})
            await original("tick")
            assert seen == ["tick"]
        finally:
            scheduler_module.run_task = held
        told = await session.call("POST", "/message-processors", {"name": "mover", "status": "inactive"})
        assert told == (200, {"message": "mover : is deactivated"})
        assert (await session.named("message-processors"))["status"] == "inactive"


@covers("mgmt.apis", "mgmt.sequences", "mgmt.templates")
async def test_tracing_and_statistics_are_switched(tmp_path: Path) -> None:
    """enable and disable are told in lists and details, with the original's words."""
    async with managed(tmp_path) as session:
        for resource, name, extra in (
            ("apis", "shop", {}),
            ("sequences", "stamp", {}),
            ("endpoints", "store", {}),
            ("proxy-services", "quotes", {}),
            ("inbound-endpoints", "door", {}),
            ("templates", "greet", {"type": "sequence"}),
        ):
            told = await session.call("POST", f"/{resource}", {"name": name, "trace": "enable"} | extra)
            assert told == (200, {"message": f"Enabled tracing for ('{name}')"}), resource
            if resource != "templates":
                assert (await session.named(resource))["tracing"] == "enabled", resource
        await session.call("POST", "/apis", {"name": "shop", "trace": "disable"})
        await session.call("POST", "/apis", {"name": "shop", "statistics": "enable"})
        shop = next(one for one in (await session.get("/apis"))["list"] if one["name"] == "shop")
        assert (shop["tracing"], shop["stats"]) == ("disabled", "enabled")
