"""A connection that is there when its call is over already is closed, while the integrator goes on."""

from __future__ import annotations

import asyncio
import ftplib
from pathlib import Path

import asyncssh
import pytest

from tests.integrator.connectors.silent import closed, server
from tests.integrator.connectors.world import flows_of

SHORT = "[connectors]\ntimeout_seconds = 1\n"


async def test_ftp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The log-in comes to its end on a thread after the time of the call: what it opened is closed then."""
    given_up, closes = asyncio.Event(), []
    real = ftplib.FTP.close
    monkeypatch.setattr(ftplib.FTP, "close", lambda ftp: (closes.append(ftp), real(ftp)))

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 here\r\n")
        await reader.readline()
        writer.write(b"331 password\r\n")
        await reader.readline()
        await given_up.wait()
        writer.write(b"230 in\r\n")

    async with server(slow) as (port, left):
        entry = (
            f"<file.init><connectionType>FTP</connectionType><host>127.0.0.1</host><port>{port}</port>"
            "<username>u</username><password>p</password><workingDir>/</workingDir></file.init>"
        )
        flow = '<file.read configKey="F"><path>/a</path></file.read>'
        async with flows_of(tmp_path / "h", {"f": flow}, {"F": entry}, SHORT) as world:
            assert "no answer in time" in (await world.fault("f"))["message"]
            assert closes == []
            given_up.set()
            await closed(left)
            assert len(closes) == 1


async def test_sftp(tmp_path: Path) -> None:
    """A server that logs people in but has no files for them: its connection is not kept."""
    left = asyncio.Event()

    class Doors(asyncssh.SSHServer):
        def connection_lost(self, error: Exception | None) -> None:
            left.set()

        def begin_auth(self, username: str) -> bool:
            return False

    key = asyncssh.generate_private_key("ssh-ed25519")
    running = await asyncssh.create_server(Doors, "127.0.0.1", 0, server_host_keys=[key])
    entry = (
        f"<file.init><connectionType>SFTP</connectionType><host>127.0.0.1</host><port>{running.get_port()}</port>"
        "<username>u</username><strictHostKeyChecking>false</strictHostKeyChecking></file.init>"
    )
    flow = '<file.read configKey="F"><path>/a</path></file.read>'
    async with running, flows_of(tmp_path / "h", {"f": flow}, {"F": entry}) as world:
        assert (await world.fault("f"))["message"].startswith("FILE:CONNECTION_ERROR")
        await closed(left)
