"""What is seen from outside: probes, metrics, log files, access, wire and correlation log, counts, heartbeat, audit."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from pathlib import Path

import pytest

from integrator.engine.observe import transactions
from integrator.engine.observe.masking import Masks
from tests.integrator.coverage import covers
from tests.integrator.engine.harness import SERVER, backend, eventually, write
from tests.integrator.management.world import NS, TOML, Session, address, car, managed


async def probe(session: Session, path: str) -> tuple[int, str]:
    """Something of the management port that needs no token."""
    answer = await session.running.request(address(session.running, "").removesuffix("/management") + path)
    return answer.status, answer.body.decode()


@pytest.fixture(autouse=True)
def _levels() -> object:
    """Levels that a test sets end with it."""
    names = ("integrator", "integrator.wire", "integrator.headers", "integrator.log", "house.Stamp")
    before = {name: logging.getLogger(name).level for name in names}
    logging.getLogger("integrator").setLevel(logging.INFO)
    yield
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)


async def log_of(session: Session, name: str) -> str:
    """A log file through the API."""
    _, text = await session.call("GET", f"/logs?file={name}")
    return str(text)


@covers("obs.healthz", "obs.liveness")
async def test_probes(tmp_path: Path) -> None:
    """Ready with the version; with a faulty car 500 and its name, until it is gone; alive all the time."""
    async with managed(tmp_path) as session:
        status, text = await probe(session, "/healthz")
        assert status == 200 and json.loads(text)["status"] == "ready" and "version" in json.loads(text)
        bad = tmp_path / "home" / SERVER / "carbonapps" / "Bad_1.0.0.car"
        bad.write_bytes(car("Bad", good=False))
        await eventually(lambda: session.running.service.engine.deployment.errors)
        status, text = await probe(session, "/healthz")
        assert status == 500 and json.loads(text)["Faulty CAPPs"] == ["Bad_1.0.0.car"]
        found = await session.get("/applications")
        assert (found["totalCount"], found["activeCount"], found["faultyCount"]) == (2, 1, 1)
        assert (found["faultyList"][0]["name"], found["faultyList"][0]["version"]) == ("Bad", "1.0.0")
        assert await probe(session, "/liveness") == (200, '{"server":"started"}')
        bad.unlink()
        await eventually(lambda: not session.running.service.engine.deployment.errors)
        assert (await probe(session, "/healthz"))[0] == 200


@covers("obs.metrics", "obs.metrics.names", "obs.statistics")
async def test_metrics(tmp_path: Path) -> None:
    """Requests, errors and latency by artifact under the original's names, and the figures that a dashboard draws."""
    async with managed(tmp_path) as session:
        before = {one["name"]: one for one in (await session.get("/statistics"))["artifacts"]}
        for path in ("/shop/a", "/shop/bad", "/services/quotes"):
            await session.running.call("GET", path)
        _, text = await probe(session, "/metric-service/metrics")
        labels = r'\{invocation_url="http://localhost:\d+/shop",service_name="shop",service_type="api"\} (\S+)'
        requests = re.search(f"wso2_integration_api_request_count_total{labels}", text)
        errors = re.search(f"wso2_integration_api_request_count_error_total{labels}", text)
        assert requests and errors and float(requests[1]) >= 2 and float(errors[1]) >= 1
        for name in (
            "wso2_integration_proxy_request_count_total",
            "wso2_integration_api_latency_seconds_bucket",
            "wso2_integration_inbound_endpoint_latency_seconds",
            "wso2_integration_server_up",
            "wso2_integration_server_version",
            'wso2_integration_service_up{service_name="shop",service_type="api"} 1.0',
        ):
            assert name in text, name
        found = await session.get("/statistics")
        now = {one["name"]: one for one in found["artifacts"]}
        was = before.get("api:shop", {"requests": 0, "errors": 0})
        assert now["api:shop"]["requests"] - was["requests"] == 2 and now["api:shop"]["errors"] - was["errors"] == 1
        assert found["memoryBytes"] > 10_000_000 and found["uptimeSeconds"] >= 0


@covers("mgmt.logging", "mgmt.logs", "obs.wirelog", "obs.logmasking")
async def test_wire_log_is_switched_and_masked(tmp_path: Path) -> None:
    """Off: nothing; on: heads and bodies without credentials, masked by the patterns of the home; off again: nothing is laid."""
    mask = "card=\\d{4}-\\d{4}\nbroken=(\n"
    write(tmp_path / "home", "conf", "wire-log-masking.properties", mask)
    async with managed(tmp_path) as session:
        running, listener = session.running, session.running.service.listener
        assert "handle" not in vars(listener)
        wire = {"loggerName": "synapse-wire", "loggingLevel": "DEBUG"}
        assert (await session.call("PATCH", "/logging", wire))[0] == 200
        assert (await session.get("/logging?loggerName=synapse-wire"))["level"] == "DEBUG"
        body = b'{"card": "1234-5678", "name": "zoe"}'
        answer = await running.call(
            "POST", "/shop/a", {"authorization": "Basic c2VjcmV0", "content-type": "application/json"}, body
        )
        assert answer.body == b'{"ok": true}'
        text = await log_of(session, "integrator.log")
        assert '>> "POST /shop/a' in text and '<< "HTTP/1.1 200' in text and "zoe" in text and '{"ok": true}' in text
        assert "c2VjcmV0" not in text and "1234-5678" not in text and "*****" in text
        await session.call("PATCH", "/logging", wire | {"loggingLevel": "INFO"})
        assert "handle" not in vars(listener)
        await running.call("GET", "/shop/a?after")
        assert "?after" not in await log_of(session, "integrator.log")


def test_masks_take_linear_time() -> None:
    """A pattern that other engines would think about for years."""
    assert Masks(["(a+)+$"]).apply("a" * 5000 + "!") == "a" * 5000 + "!"
    assert Masks(["secret-[0-9]+"]).apply("x secret-12 y") == "x ***** y"


@covers("mgmt.logging")
async def test_levels_are_kept_and_new_loggers_made(tmp_path: Path) -> None:
    """A logger by class is made, listed, searched; levels come back after a restart; odd names are refused."""
    async with managed(tmp_path) as session:
        new = {"loggerName": "stamp", "loggingLevel": "debug", "loggerClass": "house.Stamp"}
        told = await session.call("PATCH", "/logging", new)
        assert told == (
            200,
            {"message": "Successfully added logger for ('stamp') with level DEBUG for class house.Stamp"},
        )
        assert logging.getLogger("house.Stamp").level == logging.DEBUG
        logging.getLogger("house.Stamp").debug("stamped twice")
        assert "stamped twice" in await log_of(session, "integrator.log")
        found = await session.get("/logging?searchKey=STAM")
        assert found["list"] == [{"loggerName": "stamp", "level": "DEBUG", "componentName": "house.Stamp"}]
        assert (await session.call("PATCH", "/logging", new | {"loggerName": "a\nb"}))[0] == 400
        held = session.running.service.monitor.loggers
        logging.getLogger("house.Stamp").setLevel(logging.WARNING)
        held.components.pop("stamp")
        held.restore()
        assert held.get("stamp") is not None and logging.getLogger("house.Stamp").level == logging.DEBUG
        root = await session.call("PATCH", "/logging", {"loggerName": "rootLogger", "loggingLevel": "WARN"})
        assert root[0] == 200 and logging.getLogger("integrator").level == logging.WARNING


@covers("mgmt.logs")
async def test_log_files_and_nothing_else(tmp_path: Path) -> None:
    """Listed with sizes, filtered, their end on request; any other path is unknown."""
    async with managed(tmp_path) as session:
        await session.call("POST", "/apis", {"name": "shop", "trace": "enable"})
        names = {one["FileName"] for one in (await session.get("/logs"))["list"]}
        assert {"audit.log"} <= names and (await session.get("/logs?searchKey=aud"))["count"] == 1
        assert len(await log_of(session, "audit.log&tail=10")) == 10
        (tmp_path / "var/logs/integrator/out.log").symlink_to("/etc/passwd")
        for name in ("../../secrets/tls.key", "/etc/passwd", "..", "audit.log/..", "%00", "out.log", ""):
            assert (await session.call("GET", f"/logs?file={name}"))[0] == 404, name
        for tail in ("-1", "0", "x", "99999999999"):
            assert (await session.call("GET", f"/logs?file=audit.log&tail={tail}"))[0] == 400, tail


@covers("obs.accesslog")
async def test_access_log(tmp_path: Path) -> None:
    """One combined line a request, whatever a header holds."""
    async with managed(tmp_path, TOML + "\n[access_log]\nenable = true\n") as session:
        await session.running.call("GET", "/shop/a?x=1", {"user-agent": 'curl "8"', "referer": "http://there"})
        await eventually(lambda: (tmp_path / "var/logs/integrator/http_access.log").exists())
        line = (await log_of(session, "http_access.log")).splitlines()[0]
        assert re.fullmatch(
            r'127\.0\.0\.1 - - \[\d\d/\w{3}/\d{4}:[\d:]{8} [+-]\d{4}\] "GET /shop/a\?x=1 HTTP/1\.1" 200 12 '
            r'"http://there" "curl \\"8\\""',
            line,
        ), line


@covers("mgmt.configs", "obs.correlation")
async def test_correlation_log(tmp_path: Path) -> None:
    """Switched on while running: round trip and backend call with the caller's id; switched off: nothing is laid."""
    async with backend([{"body": "ok"}]) as stub, managed(tmp_path) as session:
        write(
            tmp_path / "home",
            "api",
            "calls",
            f'<api {NS} name="calls" context="/calls"><resource methods="GET"><inSequence><call><endpoint>'
            f'<address uri="http://127.0.0.1:{stub.port}/b"/></endpoint></call><respond/></inSequence></resource></api>',
        )
        await eventually(lambda: ("api", "calls") in session.running.service.engine.deployment.artifacts)
        assert (await session.get("/configs?configName=correlation"))["configs"] == {"enabled": "false"}
        on = {"configName": "correlation", "configs": {"enabled": True}}
        assert (await session.call("PUT", "/configs", on))[0] == 200
        await session.running.call("GET", "/calls?password=x", {"activityid": "id-77"})
        text = await log_of(session, "correlation.log")
        lines = [line.split("|") for line in text.splitlines()]
        assert [(line[1], line[5]) for line in lines] == [("id-77", "BACKEND LATENCY"), ("id-77", "ROUND-TRIP LATENCY")]
        assert lines[0][6:] == ["GET", f"http://127.0.0.1:{stub.port}/b", "200"]
        await session.call("PUT", "/configs", on | {"configs": {"enabled": False}})
        assert "handle" not in vars(session.running.service.listener)
        assert "request" not in vars(session.running.service.engine.runtime.client)


@covers("obs.auditlog")
async def test_audit_log(tmp_path: Path) -> None:
    """Who changed what, as one JSON object a line; reading leaves none, secrets are not in it."""
    async with managed(tmp_path) as session:
        await session.get("/apis")
        await session.call("POST", "/proxy-services", {"name": "quotes", "status": "inactive"})
        await session.call("POST", "/users", {"userId": "carl", "password": "pass-word"})
        rows = [json.loads(line) for line in (await log_of(session, "audit.log")).splitlines()]
        assert [(row["performedBy"], row["action"], row["type"]) for row in rows] == [
            ("ann", "disabled", "proxy-services"),
            ("ann", "created", "user"),
        ]
        assert rows[0]["info"] == {"name": "quotes"} and "pass-word" not in str(rows)


@covers("obs.mdc")
async def test_log_lines_name_artifact_car_and_correlation_id(tmp_path: Path) -> None:
    """A line of an API that came in a car names the API, the car and the message's correlation id."""
    logged = '<log level="custom"><property name="was" value="here"/></log><respond/>'
    text = f'<api {NS} name="carapi" context="/carapi"><resource methods="GET"><inSequence>{logged}</inSequence></resource></api>'
    async with managed(tmp_path) as session:
        import io
        import zipfile

        packed = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(car())) as old, zipfile.ZipFile(packed, "w") as made:
            for name in old.namelist():
                made.writestr(name, text if name.endswith("a.xml") else old.read(name))
        (tmp_path / "home" / SERVER / "carbonapps" / "App_1.0.0.car").write_bytes(packed.getvalue())
        await session.running.service.engine.refresh()
        await session.running.call("GET", "/carapi", {"activityid": "id-78"})
        line = next(line for line in (await log_of(session, "integrator.log")).splitlines() if "was = here" in line)
        assert "[api:carapi App" in line and "id-78]" in line


@covers("obs.errors")
async def test_an_unhandled_error(tmp_path: Path) -> None:
    """The fault sequence of the home sees ERROR_*; the caller gets 500 with code and correlation id."""
    async with managed(tmp_path) as session:
        answer = await session.running.call("GET", "/shop/bad", {"activityid": "id-79"})
        assert answer.status == 500 and json.loads(answer.body)["correlationId"] == "id-79"
        write(
            tmp_path / "home",
            "sequences",
            "fault",
            f'<sequence {NS} name="fault"><log level="custom" category="ERROR">'
            """<property name="said" expression="get-property('ERROR_MESSAGE')"/>"""
            """<property name="code" expression="get-property('ERROR_CODE')"/></log></sequence>""",
        )
        await eventually(
            lambda: (
                not session.running.service.engine.deployment.artifacts[("sequences", "fault")].file.startswith("stock")
            )
        )
        await session.running.call("GET", "/shop/bad")
        assert "said = sequence 'none' is not deployed, code = 0" in await log_of(session, "integrator.log")


@covers("mgmt.transactions.count", "mgmt.transactions.report", "obs.transactioncounter")
async def test_transactions(tmp_path: Path) -> None:
    """Each request counts once in its month, and the months outlive the process."""
    file = tmp_path / "var/state/integrator-transactions.json"
    file.parent.mkdir(parents=True)
    file.write_text('{"2024-01": 7, "2024-03": 9}')
    async with managed(tmp_path) as session:
        before = (await session.get("/transactions/count"))["TransactionCount"]
        for _ in range(3):
            await session.running.call("GET", "/shop/a")
        assert (await session.get("/transactions/count"))["TransactionCount"] - before == 3
        assert (await session.get("/transactions/count?year=2024&month=3"))["TransactionCount"] == 9
        report = await session.get("/transactions/report?start=2024-01&end=2024-02")
        assert report == {"TransactionCountData": [["Month", "TransactionCount"], ["2024-01", 7]]}
    assert sum(json.loads(file.read_text()).values()) >= 19


def test_transaction_months_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Very old months go, and a broken file is begun anew."""
    monkeypatch.setattr(transactions, "MOST_MONTHS", 2)
    file = tmp_path / "t.json"
    file.write_text('["x"]')
    total = [0]
    monkeypatch.setattr(transactions, "requests_total", lambda: total[0])
    counter = transactions.Transactions(file)
    counter.open()
    counter.months = {"2001-01": 1, "2002-02": 2, "2003-03": 3}
    total[0] = 5
    counter.update()
    assert len(counter.months) == 2 and "2003-03" in counter.months and sum(counter.months.values()) == 8


@covers("obs.dashboard")
async def test_heartbeat(tmp_path: Path) -> None:
    """Sent every interval with what changed; a change is told again until the dashboard says success."""
    answers: list[dict[str, object]] = [{"status": 503, "body": "x" * 100_000}]
    async with backend(answers) as stub:
        toml = (
            f'\n[dashboard_config]\ndashboard_url = "http://127.0.0.1:{stub.port}/dashboard"\nheartbeat_interval = 1\n'
        )
        toml += 'group_id = "north"\nnode_id = "n1"\nmanagement_hostname = "mi.example"\n'
        async with managed(tmp_path, TOML + toml) as session:
            await eventually(lambda: stub.seen)
            sent = json.loads(stub.seen[0].body)
            assert stub.seen[0].target == "/dashboard/heartbeat"
            assert (sent["product"], sent["groupId"], sent["nodeId"], sent["interval"]) == ("mi", "north", "n1", 1.0)
            assert sent["mgtApiUrl"] == f"https://mi.example:{session.running.settings.management_port}/management/"
            assert {"type": "apis", "name": "shop"} in sent["changeNotification"]["deployedArtifacts"]
            answers[0] = {"body": '{"status": "success"}'}
            count = len(stub.seen)
            await eventually(lambda: len(stub.seen) > count)
            assert json.loads(stub.seen[count].body)["changeNotification"]["deployedArtifacts"]
            await eventually(lambda: len(stub.seen) > count + 1)
            assert json.loads(stub.seen[count + 1].body)["changeNotification"]["deployedArtifacts"] == []
            await asyncio.sleep(0)


@covers("obs.artifactlog")
async def test_an_artifact_has_a_log_of_its_own(tmp_path: Path) -> None:
    """API_LOGGER.NAME and SERVICE_LOGGER.NAME: a file each, with the lines of that artifact from the level on."""
    async with managed(tmp_path) as session:
        for kind, name in (("API_LOGGER", "shop"), ("SERVICE_LOGGER", "quotes")):
            logger = f"{kind}.{name}"
            new = {"loggerName": logger, "loggingLevel": "ERROR", "loggerClass": logger}
            assert (await session.call("PATCH", "/logging", new))[0] == 200
            assert (await session.call("PATCH", "/logging", {"loggerName": logger, "loggingLevel": "WARN"}))[0] == 200
        await session.running.call("GET", "/shop/bad", {"activityid": "id-81"})
        await session.running.call("GET", "/services/quotes")
        own = await log_of(session, "API_LOGGER.shop.log")
        assert own.count("sequence 'none' is not deployed") == 1 and "id-81" in own
        logging.getLogger("integrator.mediation").warning("of another", extra={"artifact": "api:other"})
        assert "of another" not in await log_of(session, "API_LOGGER.shop.log")
        assert "of another" in await log_of(session, "integrator.log")
