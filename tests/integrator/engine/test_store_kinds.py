"""Stores in databases, resequenced, kept by a Python class; guaranteed delivery (reference 5.9)."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from integrator.management_api.resources import View, stores
from tests.integrator.coverage import covers
from tests.integrator.engine.archives import NS, api, car, put
from tests.integrator.engine.harness import Running, backend, integrator, write

IMPL = "org.apache.synapse.message.store.impl"
IN = api(
    "in",
    '<store messageStore="s"/><payloadFactory media-type="text"><format>kept</format><args/></payloadFactory><respond/>',
)
SAMPLING = "org.apache.synapse.message.processor.impl.sampler.SamplingProcessor"
TABLES = """CREATE TABLE jdbc_message_store (indexId INTEGER PRIMARY KEY AUTOINCREMENT, msg_id VARCHAR(200), message BLOB);
CREATE TABLE seq_store (indexId INTEGER PRIMARY KEY AUTOINCREMENT, msg_id VARCHAR(200), seq_id BIGINT, message BLOB);
CREATE TABLE tbl_lastprocessid (statement VARCHAR(200), seq_id BIGINT);"""
KEEPER = """
class Keeper:
    durable = True
    def __init__(self):
        self.held, self.color = [], ""
    def put(self, data): self.held.append(data)
    def peek(self): return self.held[0] if self.held else None
    def take(self): return self.held.pop(0)
    def size(self): return len(self.held)
"""


def store(kind: str, name: str = "s", **parameters: str) -> str:
    """A store artifact; underscores in names stand for dots, a value that begins with // is an expression."""
    inner = "".join(
        f'<parameter name="{key.replace("_", ".")}" expression="{value}"/>'
        if value.startswith("//")
        else f'<parameter name="{key.replace("_", ".")}">{value}</parameter>'
        for key, value in parameters.items()
    )
    head = f' class="{kind}"' if kind else ""
    return f'<messageStore {NS} name="{name}"{head}>{inner}</messageStore>'


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with a database, an API that stores, and a processor that sends what is stored on."""
    home = tmp_path / "home"
    with sqlite3.connect(tmp_path / "m.db") as connection:
        connection.executescript(TABLES)
    write(
        home,
        "conf",
        "deployment.toml",
        f'[python]\npackages = ["house_of_stores"]\n[[datasource]]\nid = "DS"\nurl = "jdbc:sqlite:{tmp_path}/m.db"\n',
    )  # noqa: E501
    (home / "python").mkdir(parents=True)
    (home / "python" / "house_of_stores.py").write_text(KEEPER)
    write(home, "api", "in", IN)
    write(home, "sequences", "q", f'<sequence {NS} name="q"><call><endpoint key="e"/></call></sequence>')
    parameters = '<parameter name="sequence">q</parameter><parameter name="interval">3600000</parameter>'
    write(
        home,
        "message-processors",
        "p",
        f'<messageProcessor {NS} name="p" class="{SAMPLING}" messageStore="s">{parameters}</messageProcessor>',
    )  # noqa: E501
    return home


async def bodies(running: Running, stub: object, rounds: int) -> list[str]:
    """What the endpoint got after some rounds of the processor."""
    results = [(await running.service.engine.process_once("p")).result for _ in range(rounds)]
    assert set(results) <= {"delivered", "idle"}
    return [seen.body.decode() for seen in stub.seen]  # type: ignore[attr-defined]


async def send(running: Running, *texts: str) -> None:
    """Store messages."""
    for text in texts:
        answer = await running.call("POST", "/in", {"content-type": "text/xml"}, text.encode())
        assert (answer.status, answer.body) == (200, b"kept")


CASES = {
    "inmemory": store(""),
    "old-name": store("org.apache.synapse.message.store.InMemoryMessageStore"),
    "jdbc-url": store(
        f"{IMPL}.jdbc.JDBCMessageStore",
        store_jdbc_driver="org.sqlite.JDBC",
        store_jdbc_connection_url="jdbc:sqlite:{db}",
    ),
    "jdbc-source": store(
        f"{IMPL}.jdbc.JDBCMessageStore", store_jdbc_dsName="DS", store_jdbc_table="jdbc_message_store"
    ),
    "custom": store("house_of_stores.Keeper", color="red"),
}


@covers(
    "store.inmemory",
    "store.jdbc",
    "store.custom",
    "store.common.put",
    "store.common.peek",
    "store.common.take",
    "artifact.messageStore",
    "layout.message-stores",
    "layout.message-processors",
    "artifact.messageProcessor",
    "layout.datasources",
)
@pytest.mark.parametrize("case", CASES)
async def test_kinds(home: Path, case: str) -> None:
    """Put, look at the head, take it away: first in, first out, and nothing is left."""
    async with backend([{"path": "/out"}]) as stub:
        write(home, "message-stores", "s", CASES[case].replace("{db}", str(home.parent / "m.db")))
        write(
            home,
            "endpoints",
            "e",
            f'<endpoint {NS} name="e"><address uri="http://127.0.0.1:{stub.port}/out"/></endpoint>',
        )
        async with integrator(home, scheduler="none") as running:
            assert running.service.engine.deployment.errors == ()
            await send(running, "<a>1</a>", "<a>2</a>")
            held = running.service.engine.deployment.stores["s"]
            assert await held.size() == 2
            head = await held.reserve()
            assert head is not None and await held.reserve() is None
            await held.release(head)
            assert await held.size() == 2
            assert await bodies(running, stub, 3) == ["<a>1</a>", "<a>2</a>"]
            assert await held.size() == 0


async def test_rows_outlive_the_process(home: Path) -> None:
    """What a database holds is there for the next integrator; a data source may come with a car."""
    source = f"<datasource><name>OTHER</name><url>jdbc:sqlite:{home.parent}/m.db</url></datasource>"
    put(home, "carbonapps", "d.car", car({"d": ("datasource/datasource", source)}))
    write(home, "message-stores", "s", store(f"{IMPL}.jdbc.JDBCMessageStore", store_jdbc_dsName="OTHER"))
    async with integrator(home, scheduler="none") as running:
        await send(running, "<a>1</a>")
    async with backend([{"path": "/out"}]) as stub:
        write(
            home,
            "endpoints",
            "e",
            f'<endpoint {NS} name="e"><address uri="http://127.0.0.1:{stub.port}/out"/></endpoint>',
        )
        async with integrator(home, scheduler="none") as running:
            assert await bodies(running, stub, 1) == ["<a>1</a>"]


@covers("store.resequence")
async def test_resequenced(home: Path) -> None:
    """Messages leave by their number; a gap is waited for, then what is there goes on; the last number is remembered."""
    parameters = {"store_jdbc_dsName": "DS", "store_jdbc_table": "seq_store", "store_resequence_timeout": "2"}
    kind = f"{IMPL}.resequencer.ResequenceMessageStore"
    write(home, "message-stores", "s", store(kind, store_resequence_id_path="//n", **parameters))
    async with backend([{"path": "/out"}]) as stub:
        write(
            home,
            "endpoints",
            "e",
            f'<endpoint {NS} name="e"><address uri="http://127.0.0.1:{stub.port}/out"/></endpoint>',
        )
        async with integrator(home, scheduler="none") as running:
            await send(running, "<n>2</n>", "<n>1</n>", "<n>5</n>")
            assert await bodies(running, stub, 2) == ["<n>1</n>", "<n>2</n>"]
            assert (await bodies(running, stub, 2))[2:] == []
            await send(running, "<n>3</n>")
            assert (await bodies(running, stub, 1))[2:] == ["<n>3</n>"]
            assert (await bodies(running, stub, 3))[3:] == ["<n>5</n>"]
            answer = await running.call("POST", "/in", {"content-type": "text/xml"}, b"<m/>")
            assert answer.status == 500
        with sqlite3.connect(home.parent / "m.db") as connection:
            assert connection.execute("SELECT statement, seq_id FROM tbl_lastprocessid").fetchall() == [("s", 5)]


@covers("store.common.guaranteed-delivery", "store.common.failover-store", "mediator.store.failover-store")
@pytest.mark.parametrize("guaranteed", ["true", "false"])
async def test_guaranteed_delivery(home: Path, guaranteed: str) -> None:
    """A store that fails hands over to its failover store, when delivery is guaranteed; else the caller gets a 500."""
    parameters = {
        "store_jdbc_connection_url": "jdbc:sqlite:/nowhere/at/all.db",
        "store_producer_guaranteed_delivery_enable": guaranteed,
        "store_failover_message_store_name": "second",
    }
    write(home, "message-stores", "s", store(f"{IMPL}.jdbc.JDBCMessageStore", **parameters))
    write(home, "message-stores", "second", store("", "second"))
    async with integrator(home, scheduler="none") as running:
        answer = await running.call("POST", "/in", {"content-type": "text/xml"}, b"<a/>")
        kept = guaranteed == "true"
        assert answer.status == (200 if kept else 500)
        assert await running.service.engine.deployment.stores["second"].size() == int(kept)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (store(f"{IMPL}.jms.JmsStore"), "stores on message brokers are not there yet"),
        (store(f"{IMPL}.nothing.Store"), "or a Python class by dotted path"),
        (
            store(f"{IMPL}.jdbc.JDBCMessageStore"),
            "parameter store.jdbc.dsName or store.jdbc.connection.url is required",
        ),
        (
            store(f"{IMPL}.jdbc.JDBCMessageStore", store_jdbc_dsName="DS", store_jdbc_table="x; DROP TABLE y"),
            "table 'x; DROP",
        ),
        (store(f"{IMPL}.resequencer.ResequenceMessageStore", store_jdbc_dsName="DS"), "store.resequence.id.path"),
        (store("house_of_stores.Nothing"), "class 'house_of_stores.Nothing' cannot be loaded: AttributeError"),
        (store("house_of_stores.Keeper", shape="round"), "has no property 'shape'"),
        (store("os.path.Join"), "allowed are classes of the packages in [python] packages, now house_of_stores"),
        (store("", a="$FILE:none"), "conf/file.properties has no none"),
        (store("").replace(' name="s"', ""), "attribute 'name' is required"),
    ],
)
async def test_refused(home: Path, text: str, reason: str) -> None:
    """A store that cannot be made is refused with its file; the rest runs."""
    write(home, "message-stores", "s", text)
    async with integrator(home, scheduler="none") as running:
        (error,) = running.service.engine.deployment.errors
        assert str(error).startswith("repository/") and "message-stores/s.xml:1 <messageStore>" in str(error).replace(
            "<parameter>", "<messageStore>"
        )  # noqa: E501
        assert reason in str(error)
        assert (await running.call("POST", "/in", {"content-type": "text/xml"}, b"<a/>")).status == 500


async def test_what_management_shows(home: Path) -> None:
    """The kind of each store and how many messages wait; -1 for one that cannot be reached; no passwords."""
    write(home, "message-stores", "s", store(""))
    jdbc = f"{IMPL}.jdbc.JDBCMessageStore"
    away = store(jdbc, "away", store_jdbc_connection_url="jdbc:sqlite:/nowhere/at/all.db", store_jdbc_password="pa55")
    write(home, "message-stores", "away", away)
    async with integrator(home, scheduler="none") as running:
        await send(running, "<a/>")
        answer = await stores(View(running.service.engine.deployment, "http://a", "/home"), {})
        assert answer is not None and "pa55" not in str(answer)
        assert [(item["name"], item["type"], item["size"]) for item in answer["list"]] == [
            ("away", "jdbc-message-store", -1),
            ("s", "in-memory-message-store", 1),
        ]
