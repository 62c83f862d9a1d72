"""The declaration of an e-mail connection; log-in by password or OAuth 2."""

from __future__ import annotations

import ssl

from integrator.connectors import tls
from integrator.connectors.asking import Api
from integrator.connectors.tokens import Grant, token_of
from integrator.engine.connectors.calls import Call, ConnectorError
from integrator.engine.connectors.declare import Connector, Parameter

NOT_FOUND = (700201, "EMAIL:EMAIL_NOT_FOUND")
FOLDER = (700202, "EMAIL:ACCESSING_FOLDER")
CONNECTIVITY = (700203, "EMAIL:CONNECTIVITY")
CONFIGURATION = (700204, "EMAIL:INVALID_CONFIGURATION")
CREDENTIALS = (700206, "EMAIL:INVALID_CREDENTIALS")
PARSING = (700208, "EMAIL:EMAIL_PARSING_ERROR")
SENDING, READING = ("SMTP", "SMTPS"), ("IMAP", "IMAPS")
PORTS = {"SMTP": 25, "SMTPS": 465, "IMAP": 143, "IMAPS": 993}

CONNECTOR = Connector(
    "email",
    "Sends e-mail by SMTP and looks after a mailbox by IMAP.",
    (
        Parameter("connectionType", "Protocol.", required=True, choices=(*SENDING, *READING)),
        Parameter("host", "Host name of the server.", required=True),
        Parameter("port", "Port; the protocol's own without it.", "integer"),
        Parameter("username", "User."),
        Parameter("password", "Password.", secret=True),
        Parameter("requireAuthentication", "Whether SMTP logs in.", "boolean", default=True),
        Parameter("requireTLS", "Whether a plain connection is refused: STARTTLS must succeed.", "boolean", default=True),
        Parameter("checkServerIdentity", "Whether the certificate must be the host's.", "boolean", default=True),
        Parameter("connectionTimeout", "Milliseconds to wait for the server.", "integer", default=30_000),
        Parameter("enableOAuth2", "Whether log-in is by an OAuth 2 token (XOAUTH2).", "boolean", default=False),
        Parameter(
            "grantType",
            "How the token is got.",
            default="AUTHORIZATION_CODE",
            choices=("AUTHORIZATION_CODE", "CLIENT_CREDENTIALS"),
        ),
        Parameter("clientId", "OAuth client."),
        Parameter("clientSecret", "Secret of the client.", secret=True),
        Parameter("refreshToken", "Refresh token.", secret=True),
        Parameter("scope", "Scopes of the token."),
        Parameter("tokenUrl", "Token endpoint."),
        *(
            Parameter(name, "Taken and ignored.")
            for name in (
                "readTimeout", "writeTimeout", "trustedHosts", "sslProtocols", "cipherSuites", "maxActiveConnections",
                "maxIdleConnections", "maxWaitTime", "minEvictionTime", "evictionCheckInterval", "exhaustedAction",
            )
        ),
    ),
    error_code=CONFIGURATION[0],
)  # fmt: skip


def context_of(call: Call) -> ssl.SSLContext:
    """TLS as the connection says."""
    context = tls.context_of(call)
    if not call.connection["checkServerIdentity"]:
        context.check_hostname = False
    return context


def address_of(call: Call, kinds: tuple[str, ...]) -> tuple[str, int]:
    """Host and port, when the connection is of one of the kinds. Raises ConnectorError."""
    given = call.connection
    if given["connectionType"] not in kinds:
        raise ConnectorError(
            *CONFIGURATION, f"connectionType {given['connectionType']}: {call.operation} needs {' or '.join(kinds)}"
        )
    return call.limits.host(given["host"]), given["port"] or PORTS[given["connectionType"]]


async def oauth_of(call: Call) -> str:
    """The XOAUTH2 text, empty when log-in is by password. Raises ConnectorError."""
    given = call.connection
    if not given["enableOAuth2"]:
        return ""
    form = {"client_id": given["clientId"] or "", "client_secret": given["clientSecret"] or ""}
    if given["grantType"] == "CLIENT_CREDENTIALS":
        form["grant_type"] = "client_credentials"
    else:
        form |= {"grant_type": "refresh_token", "refresh_token": given["refreshToken"] or ""}
    if given["scope"]:
        form["scope"] = given["scope"]
    token = await token_of(call, Api(*CREDENTIALS), Grant(given["tokenUrl"] or "", form))
    return f"user={given['username'] or ''}\1auth=Bearer {token.text}\1\1"
