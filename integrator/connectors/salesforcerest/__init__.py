"""salesforcerest: records of an API that speaks as Salesforce's REST API does."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode, urlsplit

from integrator.connectors.asking import Answer, Api, joined, path
from integrator.connectors.tokens import Grant, Token, token_of
from integrator.engine.connectors.calls import Call, ConnectorError
from integrator.engine.connectors.declare import Connector, Parameter

API = Api(700701, "SALESFORCE:REQUEST_FAILED")

CONNECTOR = Connector(
    "salesforcerest",
    "Records of Salesforce, and of APIs that speak as it does.",
    (
        Parameter("connectionName", "Name of the connection, for people."),
        Parameter("instanceUrl", "Address of the instance; what the token service says without it."),
        Parameter("apiVersion", "Version of the API.", default="v59.0"),
        Parameter("tokenUrl", "Token endpoint.", default="https://login.salesforce.com/services/oauth2/token"),
        Parameter("clientId", "OAuth client."),
        Parameter("clientSecret", "Secret of the client.", secret=True),
        Parameter("refreshToken", "Refresh token; client credentials without it and without a user.", secret=True),
        Parameter("accessToken", "Access token, instead of all of these.", secret=True),
        Parameter("username", "User of the password grant."),
        Parameter("password", "Password of that user, with the security token behind it.", secret=True),
        Parameter("scope", "Scopes of the token."),
        *(Parameter(name, "Taken and ignored.") for name in ("loginUrl", "forceLogin", "timeout", "blocking")),
    ),
    error_code=API.code,
)
OBJECT = Parameter("sObjectName", "Kind of record, such as Account.", required=True)
FIELDS = Parameter("fieldAndValue", "Fields and values: a JSON object; the message's body without it.", "json")


def _grant(given: Any) -> Grant:
    form = {"client_id": given["clientId"] or "", "client_secret": given["clientSecret"] or ""}
    if given["refreshToken"]:
        form |= {"grant_type": "refresh_token", "refresh_token": given["refreshToken"]}
    elif given["username"]:
        form |= {"grant_type": "password", "username": given["username"], "password": given["password"] or ""}
    else:
        form["grant_type"] = "client_credentials"
    return Grant(given["tokenUrl"], form | ({"scope": given["scope"]} if given["scope"] else {}))


async def ask(call: Call, method: str, below: str, body: Any = None, query: dict[str, Any] | None = None) -> Answer:
    """One request below the version's path; a refused token is renewed once. Raises ConnectorError."""
    given, refused = call.connection, None
    for _ in range(2):
        token = await _token(call, refused)
        base = given["instanceUrl"] or token.instance
        if urlsplit(base).scheme not in ("http", "https"):
            raise ConnectorError(API.code, API.name, "instanceUrl is required: the token service names no instance")
        url = joined(base, path("services", "data", given["apiVersion"])) + below
        text = urlencode({name: value for name, value in (query or {}).items() if value is not None})
        headers = {"authorization": f"Bearer {token.text}"}
        answer = await API.ask(call, method, f"{url}?{text}" if text else url, headers, body, refuse=False)
        if answer.status != 401 or given["accessToken"]:
            break
        refused = token
    if answer.status >= 400:
        raise ConnectorError(API.code, API.name, f"{method} {below} answered {answer.status}: {answer.shown()}")
    return answer


async def _token(call: Call, refused: Token | None) -> Token:
    given = call.connection
    if given["accessToken"]:
        return Token(given["accessToken"], float("inf"))
    return await token_of(call, API, _grant(given), refused)


def _given(answer: Answer) -> Any:
    return answer.json if answer.data.strip() else {"success": True}


def _fields(call: Call) -> Any:
    return call["fieldAndValue"] if call["fieldAndValue"] is not None else call.message.payload.json


@CONNECTOR.operation("query", Parameter("q", "SOQL.", required=True),
                     Parameter("queryAll", "Whether deleted records count too.", "boolean", default=False))  # fmt: skip
async def query(call: Call) -> Any:
    """Records by SOQL, the first page."""
    return _given(await ask(call, "GET", "/queryAll" if call["queryAll"] else "/query", query={"q": call["q"]}))


@CONNECTOR.operation("queryMore", Parameter("nextRecordsUrl", "What the page before named (ours).", required=True))
async def query_more(call: Call) -> Any:
    """The next page of a query."""
    locator = call["nextRecordsUrl"].rstrip("/").rpartition("/")[2]
    return _given(await ask(call, "GET", path("query", locator)))


@CONNECTOR.operation("search", Parameter("q", "SOSL.", required=True))
async def search(call: Call) -> Any:
    """Records by SOSL."""
    return _given(await ask(call, "GET", "/search", query={"q": call["q"]}))


@CONNECTOR.operation("create", OBJECT, FIELDS, reads_content=True)
async def create(call: Call) -> Any:
    """Add a record."""
    return _given(await ask(call, "POST", path("sobjects", call["sObjectName"]) + "/", _fields(call)))


@CONNECTOR.operation("update", OBJECT, Parameter("Id", "Id of the record.", required=True), FIELDS, reads_content=True)
async def update(call: Call) -> Any:
    """Change a record."""
    return _given(await ask(call, "PATCH", path("sobjects", call["sObjectName"], call["Id"]), _fields(call)))


@CONNECTOR.operation(
    "upsert", OBJECT, Parameter("externalIDField", "Field that holds the id.", required=True),
    Parameter("Id", "Its value.", required=True), FIELDS, reads_content=True,
)  # fmt: skip
async def upsert(call: Call) -> Any:
    """Change a record by an id of another system, or add it."""
    below = path("sobjects", call["sObjectName"], call["externalIDField"], call["Id"])
    return _given(await ask(call, "PATCH", below, _fields(call)))


@CONNECTOR.operation("delete", OBJECT, Parameter("idToDelete", "Id of the record.", required=True))
async def delete(call: Call) -> Any:
    """Delete a record."""
    return _given(await ask(call, "DELETE", path("sobjects", call["sObjectName"], call["idToDelete"])))


@CONNECTOR.operation(
    "retrieve", OBJECT, Parameter("Id", "Id of the record.", required=True),
    Parameter("fields", "Fields, parted by commas; all without it."),
)  # fmt: skip
async def retrieve(call: Call) -> Any:
    """A record (ours: of the original, `retrieveSObject` does it without fields)."""
    return _given(
        await ask(call, "GET", path("sobjects", call["sObjectName"], call["Id"]), query={"fields": call["fields"]})
    )


@CONNECTOR.operation("retrieveSObject", OBJECT, Parameter("rowId", "Id of the record.", required=True))
async def retrieve_object(call: Call) -> Any:
    """A record."""
    return _given(await ask(call, "GET", path("sobjects", call["sObjectName"], call["rowId"])))


@CONNECTOR.operation("describeGlobal")
async def describe_global(call: Call) -> Any:
    """Kinds of records."""
    return _given(await ask(call, "GET", "/sobjects"))


@CONNECTOR.operation("describeSObject", OBJECT)
async def describe(call: Call) -> Any:
    """Fields of a kind of record."""
    return _given(await ask(call, "GET", path("sobjects", call["sObjectName"], "describe")))


def _changed(name: str, below: str, about: str) -> None:
    async def run(call: Call) -> Any:
        given = {"start": call["start"], "end": call["end"]}
        return _given(await ask(call, "GET", path("sobjects", call["sObjectName"], below), query=given))

    times = [Parameter(word, "A time, such as 2026-01-31T00:00:00+00:00.", required=True) for word in ("start", "end")]
    CONNECTOR.operation(name, OBJECT, *times, about=about)(run)


_changed("getDeleted", "deleted", "Ids of the records deleted in a time.")
_changed("getUpdated", "updated", "Ids of the records changed in a time.")


@CONNECTOR.operation("createTree", OBJECT, FIELDS, reads_content=True)
async def create_tree(call: Call) -> Any:
    """Add records with others below them."""
    return _given(await ask(call, "POST", path("composite", "tree", call["sObjectName"]), _fields(call)))


@CONNECTOR.operation("compositeRequest", FIELDS, reads_content=True)
async def composite(call: Call) -> Any:
    """Several requests in one."""
    return _given(await ask(call, "POST", "/composite", _fields(call)))
