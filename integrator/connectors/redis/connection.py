"""Connections to a Redis server: one pool for equal descriptions."""

from __future__ import annotations

from typing import Any

from redis.asyncio import BlockingConnectionPool, Redis, SSLConnection

from integrator.engine.connectors.calls import Call, ConnectorError
from integrator.engine.connectors.declare import Connector, Parameter

CODE = 700801
NAME = "REDIS:CONNECTION_ERROR"

CONNECTOR = Connector(
    "redis",
    "Commands of a Redis server.",
    (
        Parameter("redisHost", "Host name of the server.", default="localhost"),
        Parameter("redisPort", "Port of the server.", "integer", default=6379),
        Parameter(
            "redisConnectionURI", "`redis://[user:password@]host:port/db` instead of host and port.", secret=True
        ),
        Parameter("username", "User of the server's access lists."),
        Parameter("cacheKey", "Password of the server.", secret=True),
        Parameter("dbNumber", "Number of the database.", "integer", default=0),
        Parameter("useSsl", "Whether the connection is by TLS.", "boolean", default=False),
        Parameter("redisTimeout", "Milliseconds to wait for an answer.", "integer", default=5000),
        Parameter("redisConnectionTimeout", "Milliseconds to wait for a connection.", "integer", default=5000),
        Parameter("maxConnections", "Connections of the pool.", "integer", default=10),
        Parameter("clientName", "Name that the server shows for the connection."),
        Parameter("redisConnectionPoolId", "Taken and ignored: equal descriptions share a pool."),
    ),
    error_code=CODE,
)


async def client_of(call: Call) -> Redis:
    """The client of a connection. Raises ConnectorError for an address that is not one or not allowed."""
    made: Redis = await call.connections.get(call.described.key, lambda: _make(call), lambda client: client.aclose())
    return made


async def _make(call: Call) -> Redis:
    given = call.connection
    common: dict[str, Any] = {
        "max_connections": max(1, min(given["maxConnections"], 100)),
        "timeout": given["redisConnectionTimeout"] / 1000,
        "socket_timeout": given["redisTimeout"] / 1000,
        "socket_connect_timeout": given["redisConnectionTimeout"] / 1000,
        "client_name": given["clientName"],
        "decode_responses": True,
    }
    authorities: dict[str, Any] = {"ssl_ca_certs": call.runtime.settings.trust or None, "ssl_check_hostname": True}
    if given["redisConnectionURI"]:
        common |= authorities if given["redisConnectionURI"].startswith("rediss:") else {}
        try:
            pool = BlockingConnectionPool.from_url(given["redisConnectionURI"], **common)
        except ValueError as error:
            raise ConnectorError(CODE, NAME, "redisConnectionURI is no address of a Redis server") from error
    else:
        address: dict[str, Any] = {"host": given["redisHost"], "port": given["redisPort"], "db": given["dbNumber"]}
        secure: dict[str, Any] = {"connection_class": SSLConnection, **authorities} if given["useSsl"] else {}
        who = {"username": given["username"], "password": given["cacheKey"]}
        pool = BlockingConnectionPool(**address, **who, **common, **secure)
    call.limits.host(str(pool.connection_kwargs.get("host", "localhost")))
    client = Redis.from_pool(pool)
    client.response_callbacks.clear()  # replies are shown as the server gives them
    return client
