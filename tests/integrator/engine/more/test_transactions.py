"""Transactions: what a corpus case cannot show – the end of a flow that forgot them, and PostgreSQL."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.integrator.coverage import covers
from tests.integrator.engine.harness import eventually, integrator, write
from tests.support.postgres_server import running_postgres

API = """<api xmlns="http://ws.apache.org/ns/synapse" name="t" context="/t"><resource methods="GET" uri-template="/*">
<inSequence>{flow}</inSequence></resource></api>"""


def insert(url: str, sql: str = "insert into c values(1)") -> str:
    """A dbreport that joins the transaction of the flow."""
    pool = f"<connection><pool><driver>x</driver><url>{url}</url><user>postgres</user><password/></pool></connection>"
    return f'<dbreport useTransaction="true">{pool}<statement><sql>{sql}</sql></statement></dbreport>'


@pytest.mark.parametrize("end", ['<throwError type="x" errorMessage="broken"/>', "<respond/>"])
async def test_a_transaction_that_nobody_ended_is_rolled_back_and_its_connection_given_back(
    tmp_path: Path, end: str
) -> None:
    """Whether the flow fails or just ends: the next flow can write."""
    file = tmp_path / "d.db"
    with sqlite3.connect(file) as database:
        database.execute("create table c(n integer)")
    flow = f'<transaction action="new"/>{insert(f"jdbc:sqlite:{file}")}{end}'
    write(tmp_path / "home", "api", "t", API.format(flow=flow))
    async with integrator(tmp_path / "home") as running:
        for _ in range(20):
            assert (await running.call("GET", "/t")).status == (200 if "respond" in end else 500)

        def free() -> bool:
            with sqlite3.connect(file, timeout=0.1) as other:
                try:
                    other.execute("begin immediate")
                except sqlite3.OperationalError:
                    return False
                return other.execute("select count(*) from c").fetchone() == (0,)

        await eventually(free)


async def test_copies_have_transactions_of_their_own(tmp_path: Path) -> None:
    """Pieces that run side by side begin, commit and roll back each for itself; what one commits stays."""
    file = tmp_path / "d.db"
    with sqlite3.connect(file) as database:
        database.execute("create table c(n integer)")
    sql = '<sql>insert into c values(?)</sql><parameter expression="json-eval($)" type="INTEGER"/>'
    report = insert(f"jdbc:sqlite:{file}").replace("<sql>insert into c values(1)</sql>", sql)
    flow = (
        '<iterate expression="json-eval($.n)"><target><sequence>'
        f'<transaction action="new"/>{report}<filter source="json-eval($)" regex="[12]"><then><transaction action="commit"/>'
        '</then><else><transaction action="rollback"/></else></filter></sequence></target></iterate>'
    )
    write(tmp_path / "home", "api", "t", API.format(flow=flow).replace('methods="GET"', 'methods="POST"'))
    async with integrator(tmp_path / "home") as running:
        await running.call("POST", "/t", {"content-type": "application/json"}, b'{"n":[1,2,3,4]}')

        def rows() -> list[int]:
            with sqlite3.connect(file) as other:
                return sorted(row[0] for row in other.execute("select n from c"))

        await eventually(lambda: rows() == [1, 2])


@covers("mediator.dblookup.pool-driver", "mediator.dbreport.useTransaction", "mediator.dblookup.parameter")
async def test_postgresql(tmp_path: Path) -> None:
    """Types are bound as PostgreSQL wants them; a transaction over several statements commits or does not."""
    with running_postgres(tmp_path / "pg") as address:
        url = f"jdbc:postgresql://{urlsplit(address).netloc.partition('@')[2]}/postgres"
        kinds = {
            "INTEGER": "5",
            "NUMERIC": "1.25",
            "VARCHAR": "a%?",
            "DATE": "2026-01-02",
            "BIT": "true",
            "TIME": "10:11:12",
        }
        marks = "".join(f'<parameter value="{value}" type="{kind}"/>' for kind, value in kinds.items())
        pool = (
            f"<connection><pool><driver>x</driver><url>{url}</url><user>postgres</user><password/></pool></connection>"
        )
        make = "create table if not exists c(i int, n numeric, v text, d date, b boolean, t time)"
        flow = (
            f"<dbreport>{pool}<statement><sql>{make}</sql></statement></dbreport>"
            f'<transaction action="new"/><dbreport useTransaction="true">{pool}<statement>'
            f"<sql>insert into c values(?, ?, ?, ?, ?, ?)</sql>{marks}</statement></dbreport>"
            '<filter source="$ctx:query.param.end" regex="commit"><then><transaction action="commit"/></then>'
            '<else><transaction action="rollback"/></else></filter>'
            f"<dblookup>{pool}<statement><sql>select count(*) as k, max(n) as n, max(v) as v from c where v like 'a%'</sql>"
            '<result name="k" column="1"/><result name="n" column="n"/><result name="v" column="V"/></statement></dblookup>'
            '<payloadFactory media-type="text"><format>$1 $2 $3</format><args><arg expression="$ctx:k"/>'
            '<arg expression="$ctx:n"/><arg expression="$ctx:v"/></args></payloadFactory><respond/>'
        )
        write(tmp_path / "home", "api", "t", API.format(flow=flow))
        async with integrator(tmp_path / "home") as running:
            assert (await running.call("GET", "/t?end=rollback")).body.split() == [b"0"]
            assert (await running.call("GET", "/t?end=commit")).body == b"1 1.25 a%?"
