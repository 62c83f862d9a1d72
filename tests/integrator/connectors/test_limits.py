"""What the operator's list of hosts leaves out is reached by no connector: nothing listens there, and nothing is asked."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from integrator.connectors import NAMES
from tests.integrator.connectors.world import flows_of

TOML = '[connectors]\nhosts = ["*.example.com", "10.0.0.0/8"]\nfile_roots = ["data"]\n'
CALLS = {
    "amazons3": (
        "<host>http://127.0.0.1:{port}</host><awsAccessKeyId>a</awsAccessKeyId><awsSecretAccessKey>b</awsSecretAccessKey>",
        '<amazons3.listBuckets configKey="C"/>',
    ),
    "db": (
        "<dbUrl>jdbc:postgresql://127.0.0.1:{port}/x</dbUrl>",
        '<db.select configKey="C"><query>select 1</query></db.select>',
    ),
    "email": (
        "<connectionType>IMAP</connectionType><host>127.0.0.1</host><port>{port}</port>",
        '<email.list configKey="C"/>',
    ),
    "file": (
        "<connectionType>SFTP</connectionType><host>127.0.0.1</host><port>{port}</port>",
        '<file.read configKey="C"><path>a</path></file.read>',
    ),
    "fileconnector": ("", "<fileconnector.read><source>ftp://127.0.0.1:{port}/a</source></fileconnector.read>"),
    "googlespreadsheet": (
        "<apiUrl>http://127.0.0.1:{port}</apiUrl><accessToken>t</accessToken>",
        '<googlespreadsheet.getSheetMetadata configKey="C"><spreadsheetId>s</spreadsheetId></googlespreadsheet.getSheetMetadata>',
    ),
    "http": ("<baseUrl>http://127.0.0.1:{port}</baseUrl>", '<http.get configKey="C"/>'),
    "kafkaTransport": (
        "<bootstrapServers>127.0.0.1:{port}</bootstrapServers>",
        '<kafkaTransport.publishMessages configKey="C"><topic>t</topic></kafkaTransport.publishMessages>',
    ),
    "ldap": (
        "<providerUrl>ldap://127.0.0.1:{port}</providerUrl>",
        '<ldap.searchEntry configKey="C"><dn>dc=x</dn></ldap.searchEntry>',
    ),
    "rabbitmq": (
        "<host>127.0.0.1</host><port>{port}</port>",
        '<rabbitmq.publish configKey="C"><routingKey>q</routingKey></rabbitmq.publish>',
    ),
    "redis": ("<redisHost>127.0.0.1</redisHost><redisPort>{port}</redisPort>", '<redis.ping configKey="C"/>'),
    "salesforcerest": (
        "<instanceUrl>http://127.0.0.1:{port}</instanceUrl><accessToken>t</accessToken>",
        '<salesforcerest.describeGlobal configKey="C"/>',
    ),
}


def test_every_connector_has_a_case() -> None:
    assert set(CALLS) == set(NAMES)


@pytest.mark.parametrize("name", CALLS)
async def test_hosts_that_are_not_listed_are_not_reached(tmp_path: Path, name: str) -> None:
    reached = []

    async def listen(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reached.append(1)
        writer.close()

    server = await asyncio.start_server(listen, "127.0.0.1", 0)
    port = str(server.sockets[0].getsockname()[1])
    described, step = (text.replace("{port}", port) for text in CALLS[name])
    entries = {"C": f"<{name}.init>{described}</{name}.init>"}
    async with server, flows_of(tmp_path / "h", {"f": step}, entries, TOML) as world:
        fault = await world.fault("f")
        assert "host '127.0.0.1': [connectors] hosts allows *.example.com, 10.0.0.0/8" in fault["message"]
    assert reached == []
