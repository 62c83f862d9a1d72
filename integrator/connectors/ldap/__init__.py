"""ldap: entries of a directory. Values in filters are escaped, whatever stands in them."""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from lxml import etree

from integrator.connectors import tls
from integrator.engine.connectors.calls import Call, ConnectorError
from integrator.engine.connectors.declare import Connector, Parameter
from integrator.engine.content.jsonxml import valid_name, xml_text
from integrator.engine.content.payload import decode_json
from integrator.engine.errors import BadPayload
from integrator.engine.xmltools import Element

SEARCH, CREDENTIALS, ADD, UPDATE, DELETE, MISSING, RENAME = (7_000_001 + number for number in range(7))
NS = "http://org.wso2.esbconnectors.ldap"
NO_SUCH_OBJECT, INVALID_CREDENTIALS = 32, 49
_ATTRIBUTE = re.compile(r"[A-Za-z][A-Za-z0-9-]*(;[A-Za-z0-9-]+)*\Z|[0-9]+(\.[0-9]+)*\Z")
_WRAPPED = re.compile(r"""\A(\(\\*["'])+|(\\*["'],\))+\Z""")
_PAIR = re.compile(r"\s*\"?([^\"=:,]+?)\"?\s*[=:]\s*(?:\"([^\"]*)\"|([^,]*?))\s*(?:,|\Z)")

CONNECTOR = Connector(
    "ldap",
    "Entries of an LDAP directory.",
    (
        Parameter("providerUrl", "`ldap://host:port` or `ldaps://host:port`.", required=True),
        Parameter("securityPrincipal", "DN of who asks; nobody without it."),
        Parameter("securityCredentials", "Password of that DN.", secret=True),
        Parameter("secureConnection", "Whether the connection is by TLS from its begin.", "boolean", default=False),
        Parameter("disableSSLCertificateChecking", "Whether any certificate is taken.", "boolean", default=False),
        Parameter("timeout", "Milliseconds to wait.", "integer", default=10_000),
        *(
            Parameter(f"connectionPooling{name}", "Taken and ignored.")
            for name in ("Enabled", "Protocol", "InitSize", "MaxSize")
        ),
    ),
    error_code=SEARCH,
)
DN = Parameter("dn", "DN of the entry.", required=True)
ATTRIBUTES = Parameter(
    "attributes", "Attributes and values: a JSON object (arrays for several values), or `name=value,…`.", "any"
)


@CONNECTOR.operation(
    "addEntry", DN, Parameter("objectClass", "Object classes, parted by commas.", required=True), ATTRIBUTES
)
async def add_entry(call: Call) -> Any:
    """Add an entry."""
    classes = [word.strip() for word in call["objectClass"].split(",") if word.strip()]
    attributes = pairs_of(call["attributes"], "attributes")
    return await _change(call, ADD, lambda connection: connection.add(call["dn"], classes, attributes))


@CONNECTOR.operation(
    "updateEntry", DN, ATTRIBUTES,
    Parameter("mode", "What happens to the attributes.", required=True, choices=("replace", "add", "remove")),
)  # fmt: skip
async def update_entry(call: Call) -> Any:
    """Change attributes of an entry."""
    words = {"replace": "MODIFY_REPLACE", "add": "MODIFY_ADD", "remove": "MODIFY_DELETE"}
    given = pairs_of(call["attributes"], "attributes")
    changes = {name: [(words[call["mode"]], values)] for name, values in given.items()}
    return await _change(call, UPDATE, lambda connection: connection.modify(call["dn"], changes))


@CONNECTOR.operation("deleteEntry", DN)
async def delete_entry(call: Call) -> Any:
    """Delete an entry."""
    return await _change(call, DELETE, lambda connection: connection.delete(call["dn"]))


@CONNECTOR.operation(
    "updateName",
    Parameter("oldName", "DN of the entry.", required=True),
    Parameter("newName", "Its new DN.", required=True),
)
async def update_name(call: Call) -> Any:
    """Give an entry another name, and another place when the rest of the DN differs."""
    relative, _, above = call["newName"].partition(",")

    def rename(connection: Any) -> None:
        connection.modify_dn(call["oldName"], relative, new_superior=above or None)

    return await _change(call, RENAME, rename)


@CONNECTOR.operation("authenticate", DN, Parameter("password", "Password.", required=True, secret=True))
async def authenticate(call: Call) -> Any:
    """Whether a password is the entry's; it is a fault when it is not."""

    def bind() -> Any:
        with _connected(call, call["dn"], call["password"]):
            return _message("Success")

    return await call.blocking(bind)


@CONNECTOR.operation(
    "searchEntry", Parameter("dn", "Where the search begins.", required=True),
    Parameter("objectClass", "Object class of the entries.", default=""),
    Parameter("filters", "Attributes and the values they must have, as `attributes` of addEntry; escaped.", "any"),
    Parameter("allowWildcards", "Whether `*` in a value of `filters` stands for anything (ours).", "boolean", default=False),
    Parameter("attributes", "Attributes of the answer, parted by commas; all without it."),
    Parameter("scope", "How far the search goes.", default="SUBTREE", choices=("OBJECT", "ONE_LEVEL", "SUBTREE")),
    Parameter("limit", "Entries at most; 0 means as many as the operator allows.", "integer", default=0),
    Parameter("onlyOneReference", "Whether more than one entry is a fault.", "boolean", default=False),
    Parameter("allowEmptySearchResult", "Whether none is no fault.", "boolean", default=False),
)  # fmt: skip
async def search_entry(call: Call) -> Any:
    """Entries, as XML."""
    wanted = [word.strip() for word in (call["attributes"] or "").split(",") if word.strip()]
    for name in wanted:
        _checked(name, "attributes")
    expression = filter_of(call["objectClass"], pairs_of(call["filters"], "filters"), call["allowWildcards"])
    scopes = {"OBJECT": "BASE", "ONE_LEVEL": "LEVEL", "SUBTREE": "SUBTREE"}
    most = min(call["limit"] or call.limits.most, call.limits.most)

    def search() -> Any:
        with _connected(call) as connection:
            connection.search(
                call["dn"], expression, scopes[call["scope"]], attributes=wanted or ["*"], size_limit=most
            )
            if connection.result["result"] not in (0, 4):
                raise _failure(SEARCH, connection.result)
            entries = [item for item in connection.response or [] if item["type"] == "searchResEntry"]
        if not entries and not call["allowEmptySearchResult"]:
            raise ConnectorError(SEARCH, "LDAP:SEARCH", "no entry fits")
        if len(entries) > 1 and call["onlyOneReference"]:
            raise ConnectorError(SEARCH, "LDAP:SEARCH", "more than one entry fits")
        return _result(entries[:most])

    return await call.blocking(search)


def filter_of(object_class: str, pairs: dict[str, list[str]], wildcards: bool = False) -> str:
    """An LDAP filter in which values can only be values. Raises ConnectorError for a bad attribute name."""
    from ldap3.utils.conv import escape_filter_chars  # noqa: PLC0415  (a library that few homes use)

    def value(text: str) -> str:
        return (
            "*".join(escape_filter_chars(part) for part in text.split("*")) if wildcards else escape_filter_chars(text)
        )

    parts = [f"(objectClass={escape_filter_chars(object_class)})"] if object_class else []
    parts += [f"({name}={value(text)})" for name, values in pairs.items() for text in values]
    return parts[0] if len(parts) == 1 else f"(&{''.join(parts)})" if parts else "(objectClass=*)"


def pairs_of(given: Any, what: str) -> dict[str, list[str]]:
    """Attributes and their values. Raises ConnectorError."""
    if given is None:
        return {}
    if isinstance(given, str):
        given = _read(given, what)
    if not isinstance(given, dict):
        raise ConnectorError(SEARCH, "LDAP:INVALID_INPUT", f"{what}: a JSON object or name=value pairs are expected")
    return {
        _checked(str(name).strip(), what): [str(item) for item in (value if isinstance(value, list) else [value])]
        for name, value in given.items()
    }


def _read(text: str, what: str) -> dict[str, Any]:
    for form in (text, f"{{{text}}}"):
        try:
            found = decode_json(form)
        except BadPayload:
            continue
        if isinstance(found, dict):
            return found
    pairs, at = {}, 0
    text = text.strip().removeprefix("{").removesuffix("}")
    while at < len(text):
        found_pair = _PAIR.match(text, at)
        if found_pair is None:
            raise ConnectorError(SEARCH, "LDAP:INVALID_INPUT", f"{what}: name=value pairs are expected")
        pairs[found_pair[1]] = found_pair[2] if found_pair[2] is not None else found_pair[3]
        at = found_pair.end()
    return pairs


def _checked(name: str, what: str) -> str:
    if not _ATTRIBUTE.match(name):
        raise ConnectorError(SEARCH, "LDAP:INVALID_INPUT", f"{what}: {name!r} is no name of an attribute")
    return name


@contextmanager
def _connected(call: Call, dn: str | None = None, password: str | None = None) -> Iterator[Any]:
    import ldap3  # noqa: PLC0415  (a library that few homes use)

    given = call.connection
    parts = urlsplit(given["providerUrl"])
    if parts.scheme not in ("ldap", "ldaps") or not parts.hostname:
        raise ConnectorError(
            SEARCH, "LDAP:INVALID_CONFIGURATION", "providerUrl: ldap://host or ldaps://host is expected"
        )
    call.limits.host(parts.hostname)
    secure = given["secureConnection"] or parts.scheme == "ldaps"
    seconds = max(1, round(given["timeout"] / 1000))
    server = ldap3.Server(
        parts.hostname,
        parts.port or (636 if secure else 389),
        use_ssl=secure,
        tls=_tls(call) if secure else None,
        get_info=ldap3.NONE,
        connect_timeout=seconds,
    )
    who, word = (dn, password) if dn is not None else (given["securityPrincipal"], given["securityCredentials"])
    connection = ldap3.Connection(
        server, who, word, receive_timeout=seconds, auto_referrals=False, read_only=False, raise_exceptions=False,
        authentication=ldap3.SIMPLE if who else ldap3.ANONYMOUS,
    )  # fmt: skip
    try:
        if not connection.bind():
            raise _failure(CREDENTIALS, connection.result)
        yield connection
    except ldap3.core.exceptions.LDAPException as error:
        raise ConnectorError(SEARCH, "LDAP:CONNECTION_ERROR", f"{parts.hostname}: {_words(error)}") from error
    finally:
        connection.unbind()


def _words(error: Exception) -> str:
    """What went wrong, without the brackets of the errors that the library puts around errors."""
    return _WRAPPED.sub("", str(error)).replace("\\'", "'")


def _tls(call: Call) -> Any:
    """TLS by a context of ours: the library's own knows either the system's authorities or others, and names no server."""
    import ldap3  # noqa: PLC0415

    context = tls.context_of(call)
    if call.connection["disableSSLCertificateChecking"]:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE

    class Checked(ldap3.Tls):  # type: ignore[misc]
        def wrap_socket(self, connection: Any, do_handshake: bool = False) -> None:
            connection.socket = context.wrap_socket(
                connection.socket, server_hostname=connection.server.host, do_handshake_on_connect=do_handshake
            )

    return Checked()


def _failure(code: int, result: dict[str, Any]) -> ConnectorError:
    if result.get("result") == NO_SUCH_OBJECT:
        code = MISSING
    return ConnectorError(code, "LDAP", f"{result.get('description')}: {result.get('message')}".rstrip(": "))


async def _change(call: Call, code: int, work: Callable[[Any], Any]) -> Any:
    def change() -> Any:
        with _connected(call) as connection:
            work(connection)
            if connection.result["result"] != 0:
                raise _failure(code, connection.result)
            return _message("Success")

    return await call.blocking(change)


def _message(text: str) -> Element:
    root = etree.Element(f"{{{NS}}}result", nsmap={"ns": NS})
    etree.SubElement(root, f"{{{NS}}}message").text = text
    return root


def _result(entries: list[dict[str, Any]]) -> Element:
    root = etree.Element(f"{{{NS}}}result", nsmap={"ns": NS})
    for item in entries:
        entry = etree.SubElement(root, f"{{{NS}}}entry")
        etree.SubElement(entry, f"{{{NS}}}dn").text = xml_text(str(item["dn"]))
        for name, values in item["raw_attributes"].items():
            for value in values:
                made = etree.SubElement(entry, f"{{{NS}}}{valid_name(name.split(';')[0])}")
                made.text = xml_text(value.decode("utf-8", "replace"))
    return root
