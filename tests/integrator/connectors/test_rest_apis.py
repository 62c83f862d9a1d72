"""salesforcerest and googlespreadsheet against fakes of the documented REST APIs: the real services cannot be reached here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc import jwt
from joserfc.jwk import RSAKey

from tests.integrator.connectors.world import flows_of
from tests.integrator.engine.harness import Backend, backend

JSON = {"content-type": "application/json"}
DATA = "/services/data/v59.0"
RECORD = {"path": f"{DATA}/sobjects/Account/001", "headers": JSON}


def answers(**more: Any) -> list[dict[str, Any]]:
    return [
        {"path": "/token", "headers": JSON, "body": '{"access_token":"tok-en-1","expires_in":"3599"}', **more},
        {"path": f"{DATA}/query", "headers": JSON, "body": '{"totalSize":1,"records":[{"Id":"001"}]}'},
        {"path": f"{DATA}/sobjects/Account/", "status": 201, "headers": JSON, "body": '{"id":"002","success":true}'},
        {**RECORD, "method": "GET", "body": '{"Id":"001"}'},
        {**RECORD, "status": 204},
        {"path": f"{DATA}/sobjects/Account/describe", "headers": JSON, "body": '{"fields":[]}'},
        {"path": f"{DATA}/search", "status": 400, "headers": JSON, "body": '[{"errorCode":"MALFORMED_SEARCH"}]'},
        {"path": f"{DATA}/sobjects", "status": 401, "headers": JSON, "body": '[{"errorCode":"INVALID_SESSION_ID"}]'},
    ]


def step(connector: str, operation: str, key: str = "C", **parameters: str) -> str:
    inner = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in parameters.items())
    return f'<{connector}.{operation} configKey="{key}">{inner}</{connector}.{operation}>'


def salesforce(port: int, more: str = "<refreshToken>refresh-word</refreshToken>") -> str:
    base = f"http://127.0.0.1:{port}"
    return (
        f"<salesforcerest.init><instanceUrl>{base}</instanceUrl><tokenUrl>{base}/token</tokenUrl><clientId>c</clientId>"
        f"<clientSecret>client-word</clientSecret>{more}</salesforcerest.init>"
    )


def lines(stub: Backend) -> list[str]:
    return [f"{seen.method} {seen.target}" for seen in stub.seen]


async def test_salesforce_records(tmp_path: Path) -> None:
    name = "salesforcerest"
    flows = {
        "query": step(name, "query", q="select Id from Account where Name = 'x&y'"),
        "create": step(name, "create", sObjectName="Account", fieldAndValue='{"Name":"x"}'),
        "body": step(name, "create", sObjectName="Account"),
        "update": step(name, "update", sObjectName="Account", Id="001", fieldAndValue="{json-eval($.f)}"),
        "retrieve": step(name, "retrieve", sObjectName="Account", Id="001", fields="Id,Name"),
        "delete": step(name, "delete", sObjectName="Account", idToDelete="001"),
        "describe": step(name, "describeSObject", sObjectName="Account"),
        "search": step(name, "search", q="{"),
        "expired": step(name, "describeGlobal"),
        "hostile": step(name, "delete", sObjectName="Account", idToDelete="{json-eval($.id)}"),
    }
    async with backend(answers()) as stub, flows_of(tmp_path / "h", flows, {"C": salesforce(stub.port)}) as world:
        assert (await world.json("query"))["records"] == [{"Id": "001"}]
        assert parse_qs(stub.seen[0].body.decode()) == {
            "grant_type": ["refresh_token"], "refresh_token": ["refresh-word"], "client_id": ["c"],
            "client_secret": ["client-word"],
        }  # fmt: skip
        assert parse_qs(stub.seen[1].target.partition("?")[2])["q"] == ["select Id from Account where Name = 'x&y'"]
        assert stub.seen[1].headers["authorization"] == "Bearer tok-en-1"
        assert (await world.json("create"))["id"] == "002"
        assert json.loads(stub.seen[-1].body) == {"Name": "x"}
        await world.json("body", {"Name": "y"})
        assert json.loads(stub.seen[-1].body) == {"Name": "y"}
        assert await world.json("update", {"f": {"Name": "z"}}) == {"success": True}
        assert (stub.seen[-1].method, json.loads(stub.seen[-1].body)) == ("PATCH", {"Name": "z"})
        assert await world.json("retrieve") == {"Id": "001"}
        assert stub.seen[-1].target.endswith("/sobjects/Account/001?fields=Id%2CName")
        assert await world.json("delete") == {"success": True}
        assert await world.json("describe") == {"fields": []}
        assert [line for line in lines(stub) if "token" in line] == ["POST /token"], "one token for all"
        fault = await world.fault("search")
        assert (fault["code"], "MALFORMED_SEARCH" in fault["message"]) == ("700701", True)
        stub.seen.clear()
        assert "INVALID_SESSION_ID" in (await world.fault("expired"))["message"]
        assert lines(stub) == [f"GET {DATA}/sobjects", "POST /token", f"GET {DATA}/sobjects"], (
            "a refused token is renewed"
        )
        await world.fault("hostile", {"id": "../../../../token?x="})
        assert stub.seen[-1].target == f"{DATA}/sobjects/Account/..%2F..%2F..%2F..%2Ftoken%3Fx%3D"
        await world.fault("hostile", {"id": ".."})
        assert stub.seen[-1].target == f"{DATA}/sobjects/Account/%2E%2E"


async def test_a_refused_grant_names_no_secret(tmp_path: Path) -> None:
    flows = {"f": step("salesforcerest", "query", q="x"), "g": step("salesforcerest", "query", "P", q="x")}
    more = "<username>u</username><password>pass-word-6</password>"
    async with backend(answers(status=400)) as stub:
        entries = {"C": salesforce(stub.port), "P": salesforce(stub.port, more)}
        async with flows_of(tmp_path / "h", flows, entries) as world:
            for name in flows:
                fault = await world.fault(name)
                assert "status 400" in fault["message"]
                assert not [word for word in ("refresh-word", "client-word", "pass-word-6") if word in str(fault)]
    assert b"grant_type=password" in stub.seen[1].body


V4 = "/v4/spreadsheets"
SHEETS = [
    {"path": "/token", "headers": JSON, "body": '{"access_token":"g-tok","expires_in":3599}'},
    {"echo": True, "headers": JSON},
]


def sheets(port: int, login: str) -> str:
    base = f"http://127.0.0.1:{port}"
    return (
        f"<googlespreadsheet.init><apiUrl>{base}</apiUrl><tokenEndpoint>{base}/token</tokenEndpoint>{login}"
        "</googlespreadsheet.init>"
    )


async def test_sheets_and_cells(tmp_path: Path) -> None:
    name, at = "googlespreadsheet", {"spreadsheetId": "s/1"}
    flows = {
        "create": step(name, "createNewSheet", title="T", initialSheetName="first"),
        "get": step(name, "getCellData", **at, sheetName="it's", cellId="A1"),
        "range": step(name, "getCellData", **at, range="Sheet1!A1:B2", valueRenderOption="formula"),
        "several": step(name, "getMultipleCellData", **at, ranges="A1,B2"),
        "edit": step(
            name, "editCellData", **at, range="A1", values="{json-eval($.v)}", valueInputOption="user_entered"
        ),
        "one": step(name, "editCellData", **at, range="A1", value="7"),
        "append": step(
            name, "addRowsAndColumns", **at, range="Sheet1!A1", values="[[1,2]]", insertDataOption="INSERT_ROWS"
        ),
        "clear": step(name, "clearCellData", **at, range="A1:B2"),
        "batch": step(name, "addSheet", **at, requests='[{"addSheet":{"properties":{"title":"n"}}}]'),
        "drop": step(name, "deleteSheet", **at, sheetId="5"),
        "meta": step(name, "getSheetMetadata", **at, includeGridData="false", fields="sheets.properties"),
        "none": step(name, "getCellData", **at),
    }
    login = "<clientId>c</clientId><clientSecret>client-word</clientSecret><refreshToken>refresh-word</refreshToken>"
    async with backend(SHEETS) as stub, flows_of(tmp_path / "h", flows, {"C": sheets(stub.port, login)}) as world:
        made = await world.json("create")
        assert made == {"properties": {"title": "T"}, "sheets": [{"properties": {"title": "first"}}]}
        assert stub.seen[-1].headers["authorization"] == "Bearer g-tok"
        await world.post("get")
        assert stub.seen[-1].target == f"{V4}/s%2F1/values/%27it%27%27s%27%21A1?majorDimension=ROWS"
        await world.post("range")
        assert stub.seen[-1].target.endswith("/values/Sheet1%21A1%3AB2?majorDimension=ROWS&valueRenderOption=FORMULA")
        await world.post("several")
        assert stub.seen[-1].target == f"{V4}/s%2F1/values:batchGet?ranges=A1&ranges=B2&majorDimension=ROWS"
        assert await world.json("edit", {"v": [[1, "x"]]}) == {
            "range": "A1",
            "majorDimension": "ROWS",
            "values": [[1, "x"]],
        }
        assert (stub.seen[-1].method, stub.seen[-1].target.partition("?")[2]) == (
            "PUT",
            "valueInputOption=USER_ENTERED",
        )
        assert (await world.json("one"))["values"] == [["7"]]
        assert (await world.json("append"))["values"] == [[1, 2]]
        assert (
            stub.seen[-1].target
            == f"{V4}/s%2F1/values/Sheet1%21A1:append?valueInputOption=RAW&insertDataOption=INSERT_ROWS"
        )
        await world.json("clear")
        assert stub.seen[-1].target == f"{V4}/s%2F1/values/A1%3AB2:clear"
        assert await world.json("batch") == {"requests": [{"addSheet": {"properties": {"title": "n"}}}]}
        assert await world.json("drop") == {"requests": [{"deleteSheet": {"sheetId": 5}}]}
        assert stub.seen[-1].target == f"{V4}/s%2F1:batchUpdate"
        await world.post("meta")
        assert stub.seen[-1].target == f"{V4}/s%2F1?includeGridData=false&fields=sheets.properties"
        assert "range, or sheetName and cellId" in (await world.fault("none"))["message"]


async def test_a_service_account_signs_for_its_token(tmp_path: Path) -> None:
    key = rsa.generate_private_key(65537, 2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    account = escape(json.dumps({"client_email": "robot@x.example", "private_key_id": "k1", "private_key": pem}))
    flows = {
        name: step("googlespreadsheet", "clearCellData", name, spreadsheetId="s", range="A1") for name in ("C", "B")
    }
    async with backend(SHEETS) as stub:
        entries = {
            "C": sheets(stub.port, f"<serviceAccount>{account}</serviceAccount>"),
            "B": sheets(stub.port, '<serviceAccount>{"client_email":"x","private_key":"robot-word"}</serviceAccount>'),
        }
        async with flows_of(tmp_path / "h", flows, entries) as world:
            await world.json("C")
            await world.json("C")
            form = parse_qs(stub.seen[0].body.decode())
            assert form["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
            claims = jwt.decode(form["assertion"][0], RSAKey.import_key(pem), algorithms=["RS256"]).claims
            assert (claims["iss"], claims["aud"]) == ("robot@x.example", f"http://127.0.0.1:{stub.port}/token")
            assert [seen.target for seen in stub.seen].count("/token") == 1
            fault = await world.fault("B")
            assert ("is no key file" in fault["message"], "robot-word" in str(fault)) == (True, False)
