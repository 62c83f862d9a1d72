"""The db connector on SQLite: SQL, tables without SQL, bound values, names that are checked."""

from __future__ import annotations

from pathlib import Path
from xml.sax.saxutils import escape

from tests.integrator.connectors.world import flows_of


def step(operation: str, key: str = "D", **parameters: str) -> str:
    inner = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in parameters.items())
    return f'<db.{operation} configKey="{key}">{inner}</db.{operation}>'


FLOWS = {
    "make": step("executeQuery", query="create table people(id integer primary key, name text, born text)"),
    "add": step("insert", table="people", columns="{json-eval($.row)}"),
    "sql": step("insert", query="insert into people(name) values(?)", parameters='{json-eval($.values)}'),
    "all": step("select", table="people", responseColumns="id, name", orderBy="name desc", limit="2"),
    "one": step("select", query="select name from people where name = ?", parameters="{json-eval($.values)}"),
    "change": step("update", table="people", columns='{"born":"1999"}', filter='{"name":"ann"}'),
    "every": step("update", table="people", columns='{"born":"1999"}'),
    "drop": step("delete", table="people", filter="{json-eval($.filter)}"),
    "order": step("select", table="people", orderBy="{json-eval($.by)}"),
    "wrong": step("select", query="selekt 1"),
    "few": step("select", table="people", maxRows="1"),
    "none": step("select", key="N", query="select 1"),
}  # fmt: skip


async def test_rows_and_hostile_values(tmp_path: Path) -> None:
    toml = f'[[datasource]]\nid = "HERE"\nurl = "jdbc:sqlite:{tmp_path}/here.db"\n'
    entries = {
        "D": "<db.init><dataSource>HERE</dataSource></db.init>",
        "N": "<db.init><dataSource>nowhere</dataSource></db.init>",
    }
    async with flows_of(tmp_path / "h", FLOWS, entries, toml) as world:
        await world.json("make")
        assert await world.json("add", {"row": {"name": "ann"}}) == {"success": True, "rowsAffected": 1}
        hostile = "x'); drop table people; --"
        await world.json("add", {"row": {"name": hostile}})
        await world.json("sql", {"values": ["zoë"]})
        assert await world.json("all") == [{"id": 3, "name": "zoë"}, {"id": 2, "name": hostile}]
        assert await world.json("one", {"values": [hostile]}) == [{"name": hostile}]
        assert await world.json("one", {"values": ["' or 1=1 --"]}) == []
        assert (await world.json("change"))["rowsAffected"] == 1
        assert "filter: a JSON object" in (await world.fault("every"))["message"]
        for bad in ({"name; drop table people": "x"}, {"1=1 or name": "x"}):
            fault = await world.fault("drop", {"filter": bad})
            assert (fault["code"], "is no name of a table or column" in fault["message"]) == ("701102", True)
        assert (await world.fault("order", {"by": "(select 1)"}))["code"] == "701102"
        assert len(await world.json("few")) == 1
        assert (await world.json("drop", {"filter": {"name": "ann"}}))["rowsAffected"] == 1
        assert (await world.fault("wrong"))["message"].startswith("DB:QUERY_EXECUTION_FAILURE: near")
        assert "data source 'nowhere' is not configured" in (await world.fault("none"))["message"]


async def test_a_database_of_its_own_and_a_secret_that_stays_one(tmp_path: Path) -> None:
    entries = {
        "D": f"<db.init><dbUrl>jdbc:sqlite:{tmp_path}/own.db</dbUrl></db.init>",
        "N": "<db.init><dbUrl>jdbc:postgresql://127.0.0.1:1/x</dbUrl><dbUser>u</dbUser><dbPassword>pg-word-9</dbPassword></db.init>",
    }
    flows = {"f": step("select", query="select 1 as one"), "g": FLOWS["none"]}
    async with flows_of(tmp_path / "h", flows, entries) as world:
        assert await world.json("f") == [{"one": 1}]
        fault = await world.fault("g")
        assert fault["code"] in ("701104", "701101")
        assert "pg-word-9" not in str(fault)
