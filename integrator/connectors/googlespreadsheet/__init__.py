"""googlespreadsheet: spreadsheets, sheets and cells by the Google Sheets API, version 4."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import urlencode

from integrator.connectors.asking import Api, joined, path
from integrator.connectors.tokens import Grant, Token, token_of
from integrator.engine.connectors.calls import Call, ConnectorError
from integrator.engine.connectors.declare import Connector, Parameter

API = Api(700901, "GOOGLESHEETS:REQUEST_FAILED")
SCOPE = "https://www.googleapis.com/auth/spreadsheets"
BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"

CONNECTOR = Connector(
    "googlespreadsheet",
    "Spreadsheets by the Google Sheets API.",
    (
        Parameter("apiUrl", "Address of the API.", default="https://sheets.googleapis.com"),
        Parameter("tokenEndpoint", "Token endpoint.", default="https://oauth2.googleapis.com/token"),
        Parameter("clientId", "OAuth client."),
        Parameter("clientSecret", "Secret of the client.", secret=True),
        Parameter("refreshToken", "Refresh token.", secret=True),
        Parameter("accessToken", "Access token, instead of all of these.", secret=True),
        Parameter("serviceAccount", "Key file of a service account as JSON text (ours).", secret=True),
        Parameter("blocking", "Taken and ignored."),
    ),
    error_code=API.code,
)
SHEET = Parameter("spreadsheetId", "Spreadsheet.", required=True)
FIELDS = Parameter("fields", "Which parts of the answer are wanted.")
RANGE = Parameter("range", "Cells, such as Sheet1!A1:B2.")
NAME = Parameter("sheetName", "Sheet, with `cellId` instead of `range`.")
CELL = Parameter("cellId", "Cell of that sheet, such as A1.")
INPUT = Parameter("valueInputOption", "How values are read.", default="RAW", choices=("RAW", "USER_ENTERED"))
DIMENSION = Parameter("majorDimension", "Whether values come by rows.", default="ROWS", choices=("ROWS", "COLUMNS"))
RENDER = (
    Parameter(
        "valueRenderOption", "How values are shown.", choices=("FORMATTED_VALUE", "UNFORMATTED_VALUE", "FORMULA")
    ),
    Parameter("dateTimeRenderOption", "How dates are shown.", choices=("SERIAL_NUMBER", "FORMATTED_STRING")),
)
MODE = Parameter("configMode", "Taken and ignored: what is given counts.")


def _grant(given: Any) -> Grant:
    if given["serviceAccount"]:
        return Grant(given["tokenEndpoint"], {"grant_type": BEARER})
    form = {"grant_type": "refresh_token", "refresh_token": given["refreshToken"] or ""}
    return Grant(
        given["tokenEndpoint"],
        form | {"client_id": given["clientId"] or "", "client_secret": given["clientSecret"] or ""},
    )


def assertion(account: str, endpoint: str, now: float) -> str:
    """A signed statement of a service account, good for an hour. Raises ConnectorError for a key that is none."""
    import json  # noqa: PLC0415  (only service accounts need these)

    from joserfc import jwt  # noqa: PLC0415
    from joserfc.jwk import RSAKey  # noqa: PLC0415

    try:
        held = json.loads(account)
        claims = {"iss": held["client_email"], "scope": SCOPE, "aud": endpoint, "iat": int(now), "exp": int(now) + 3600}
        header = {"alg": "RS256", "kid": str(held.get("private_key_id", ""))}
        return jwt.encode(header, claims, RSAKey.import_key(held["private_key"]))
    except (ValueError, KeyError, TypeError) as error:
        raise ConnectorError(API.code, API.name, "serviceAccount is no key file of a service account") from error


async def _token(call: Call, refused: Token | None) -> Token:
    given = call.connection
    if given["accessToken"]:
        return Token(given["accessToken"], float("inf"))
    grant = _grant(given)
    if not given["serviceAccount"]:
        return await token_of(call, API, grant, refused)
    key = ("assertion", given["serviceAccount"])
    hour = int(time.time() // 1800)
    statement: str = await call.connections.get((*key, hour), lambda: _signed(call))
    return await token_of(call, API, Grant(grant.url, {**grant.form, "assertion": statement}), refused)


async def _signed(call: Call) -> str:
    given = call.connection
    return await call.blocking(assertion, given["serviceAccount"], given["tokenEndpoint"], time.time())


async def ask(call: Call, method: str, below: str, body: Any = None, query: list[tuple[str, Any]] | None = None) -> Any:
    """One request; a refused token is renewed once. Raises ConnectorError."""
    pairs = [(name, str(value)) for name, value in query or [] if value is not None]
    pairs += [("fields", call.values["fields"])] if call.values.get("fields") else []
    url = (
        joined(call.connection["apiUrl"], path("v4", "spreadsheets"))
        + below
        + (f"?{urlencode(pairs)}" if pairs else "")
    )
    refused = None
    for _ in range(2):
        token = await _token(call, refused)
        headers = {"authorization": f"Bearer {token.text}"}
        answer = await API.ask(call, method, url, headers, body, refuse=False)
        if answer.status != 401 or call.connection["accessToken"]:
            break
        refused = token
    if answer.status >= 400:
        raise ConnectorError(API.code, API.name, f"{method} {below} answered {answer.status}: {answer.shown()}")
    return answer.json if answer.data.strip() else {"success": True}


def _cells(call: Call) -> str:
    if call["range"]:
        return str(call["range"])
    if not call["cellId"]:
        raise ConnectorError(API.code, API.name, "range, or sheetName and cellId, is required")
    name = (call["sheetName"] or "").replace("'", "''")
    return f"'{name}'!{call['cellId']}" if name else str(call["cellId"])


def _values(call: Call) -> list[Any]:
    given = call["values"]
    if given is None:
        given = call.values.get("value")
        return [[given]] if given is not None else []
    rows = given if isinstance(given, list) else [given]
    return rows if all(isinstance(row, list) for row in rows) else [rows]


@CONNECTOR.operation(
    "createNewSheet", MODE, FIELDS, Parameter("title", "Title of the spreadsheet."),
    Parameter("initialSheetName", "Name of its first sheet."), Parameter("spreadsheetId", "Taken and ignored."),
    Parameter("properties", "Properties of the spreadsheet, a JSON object.", "json"),
    Parameter("sheets", "Its sheets, a JSON array.", "json"), Parameter("namedRanges", "Its names, a JSON array.", "json"),
)  # fmt: skip
async def create(call: Call) -> Any:
    """Make a spreadsheet."""
    first = {"properties": {"title": call["initialSheetName"]}} if call["initialSheetName"] else None
    body = {
        "properties": call["properties"] or ({"title": call["title"]} if call["title"] else None),
        "sheets": call["sheets"] or ([first] if first else None),
        "namedRanges": call["namedRanges"],
    }
    return await ask(call, "POST", "", {name: value for name, value in body.items() if value is not None})


@CONNECTOR.operation(
    "getSheetMetadata", SHEET, FIELDS, Parameter("includeGridData", "Whether cells come too.", "boolean"),
    Parameter("ranges", "Cells, parted by commas."),
)  # fmt: skip
async def metadata(call: Call) -> Any:
    """What a spreadsheet is made of."""
    grid = None if call["includeGridData"] is None else str(call["includeGridData"]).lower()
    query = [("includeGridData", grid), *_ranges(call["ranges"])]
    return await ask(call, "GET", path(call["spreadsheetId"]), query=query)


def _ranges(given: Any) -> list[tuple[str, Any]]:
    words = given if isinstance(given, list) else (given or "").split(",")
    return [("ranges", str(word).strip()) for word in words if str(word).strip()]


@CONNECTOR.operation("getCellData", MODE, SHEET, RANGE, NAME, CELL, DIMENSION, *RENDER, FIELDS)
async def get_cells(call: Call) -> Any:
    """Values of cells."""
    return await ask(call, "GET", path(call["spreadsheetId"], "values", _cells(call)), query=_rendered(call))


def _rendered(call: Call) -> list[tuple[str, Any]]:
    return [(name, call[name]) for name in ("majorDimension", "valueRenderOption", "dateTimeRenderOption")]


@CONNECTOR.operation("getMultipleCellData", SHEET, Parameter("ranges", "Cells, a JSON array or parted by commas.", "any",
                                                             required=True), DIMENSION, *RENDER, FIELDS)  # fmt: skip
async def get_several(call: Call) -> Any:
    """Values of several ranges."""
    query = [*_ranges(call["ranges"]), *_rendered(call)]
    return await ask(call, "GET", path(call["spreadsheetId"], "values:batchGet").replace("%3A", ":"), query=query)


VALUES = Parameter("values", "Values: a JSON array of rows.", "json")


@CONNECTOR.operation("editCellData", MODE, SHEET, RANGE, NAME, CELL, Parameter("value", "One value."), VALUES, INPUT,
                     DIMENSION, FIELDS)  # fmt: skip
async def edit(call: Call) -> Any:
    """Put values into cells."""
    cells = _cells(call)
    body = {"range": cells, "majorDimension": call["majorDimension"], "values": _values(call)}
    query = [("valueInputOption", call["valueInputOption"])]
    return await ask(call, "PUT", path(call["spreadsheetId"], "values", cells), body, query)


@CONNECTOR.operation("updateMultipleCells", SHEET, Parameter("data", "Ranges and values, as the API takes them.", "json",
                                                             required=True), INPUT, FIELDS)  # fmt: skip
async def edit_several(call: Call) -> Any:
    """Put values into several ranges."""
    body = {"valueInputOption": call["valueInputOption"], "data": call["data"]}
    return await ask(call, "POST", path(call["spreadsheetId"]) + "/values:batchUpdate", body)


@CONNECTOR.operation(
    "addRowsAndColumns", SHEET, Parameter("range", "Table that rows are put behind.", required=True), VALUES, INPUT,
    Parameter("insertDataOption", "Whether rows are made for them.", choices=("OVERWRITE", "INSERT_ROWS")), DIMENSION, FIELDS,
)  # fmt: skip
async def append(call: Call) -> Any:
    """Put rows behind a table."""
    body = {"range": call["range"], "majorDimension": call["majorDimension"], "values": _values(call)}
    query = [("valueInputOption", call["valueInputOption"]), ("insertDataOption", call["insertDataOption"])]
    return await ask(call, "POST", path(call["spreadsheetId"], "values", call["range"]) + ":append", body, query)


@CONNECTOR.operation("clearCellData", SHEET, Parameter("range", "Cells.", required=True), FIELDS)
async def clear(call: Call) -> Any:
    """Empty cells (ours)."""
    return await ask(call, "POST", path(call["spreadsheetId"], "values", call["range"]) + ":clear", {})


@CONNECTOR.operation("copySheet", SHEET, Parameter("sheetId", "Sheet.", "integer", required=True),
                     Parameter("destinationSpreadsheetId", "Spreadsheet that gets it.", required=True), FIELDS)  # fmt: skip
async def copy_sheet(call: Call) -> Any:
    """Copy a sheet into another spreadsheet."""
    body = {"destinationSpreadsheetId": call["destinationSpreadsheetId"]}
    return await ask(call, "POST", path(call["spreadsheetId"], "sheets", call["sheetId"]) + ":copyTo", body)


@CONNECTOR.operation("deleteSheet", SHEET, Parameter("sheetId", "Sheet.", "integer", required=True), FIELDS)
async def delete_sheet(call: Call) -> Any:
    """Delete a sheet."""
    return await _batch(call, [{"deleteSheet": {"sheetId": call["sheetId"]}}])


async def _batch(call: Call, requests: Any) -> Any:
    return await ask(call, "POST", path(call["spreadsheetId"]) + ":batchUpdate", {"requests": requests})


def _requests(name: str) -> None:
    async def run(call: Call) -> Any:
        given = call["requests"]
        given = given.get("requests", [given]) if isinstance(given, dict) else given
        return await _batch(call, given)

    asked = Parameter(
        "requests", f'Requests as the API takes them, such as `[{{"{name}": …}}]`.', "json", required=True
    )
    CONNECTOR.operation(name, SHEET, asked, FIELDS, about=f"`{name}` and other requests in one batch.")(run)


for _name in (
    "addSheet", "updateSheetProperties", "copyRange", "cutRange", "sortRange", "appendDimension", "deleteDimension",
    "insertDimension", "moveDimension", "resizeDimension", "updateDimensionProperties", "addConditionalFormatRule",
    "deleteConditionalFormatRule", "updateConditionalFormatRule", "mergeCells", "repeatCellStyle", "setDataValidation",
    "updateCellBorders",
):  # fmt: skip
    _requests(_name)
