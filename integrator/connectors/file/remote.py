"""Files of FTP, FTPS and SFTP servers, below the connection's working folder."""

from __future__ import annotations

import asyncio
import ftplib
import io
import posixpath
import stat
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

from integrator.connectors import tls
from integrator.connectors.file.faults import (
    ACCESS_DENIED,
    ALREADY_EXISTS,
    CONNECTION_ERROR,
    ILLEGAL_PATH,
    OPERATION_ERROR,
    failed,
)
from integrator.connectors.file.places import Info
from integrator.engine.connectors.calls import Call, ConnectorError

T = TypeVar("T")


class FtpFiles:
    """One log-in per operation: FTP connections carry one thing at a time and end when they like."""

    def __init__(self, call: Call, ftp: ftplib.FTP):
        self._call = call
        self._ftp = ftp
        self._largest = call.limits.largest

    @classmethod
    async def open(cls, call: Call) -> FtpFiles:
        """Connect and log in. Raises ConnectorError."""
        given = call.connection
        host, port = call.limits.host(given["host"] or ""), given["port"] or 21
        secure = given["connectionType"] == "FTPS"

        def connect() -> ftplib.FTP:
            seconds = given["ftpConnectionTimeout"] / 1000
            context = tls.context_of(call, given["trustStorePath"]) if secure else None
            ftp = ftplib.FTP_TLS(timeout=seconds, context=context) if secure else ftplib.FTP(timeout=seconds)  # noqa: S321  (FTP is what was asked for)
            try:
                ftp.connect(host, port)
                ftp.login(given["username"] or "anonymous", given["password"] or "")
                if isinstance(ftp, ftplib.FTP_TLS):
                    ftp.prot_p()
            except BaseException:
                ftp.close()
                raise
            ftp.set_pasv(given["isPassive"])
            return ftp

        try:
            return cls(call, await call.opened(connect, ftplib.FTP.close))
        except ftplib.all_errors as error:
            raise failed(CONNECTION_ERROR, f"{host}:{port}: {error}") from error

    async def close(self) -> None:
        """Say goodbye."""
        await self._call.blocking(self._ftp.close)

    async def info(self, path: str) -> Info | None:
        """Of a file or folder; None when there is none."""
        if path == "/":
            return Info("/", True)
        try:
            found = await self.entries(posixpath.dirname(path))
        except ConnectorError as error:
            if error.code == ILLEGAL_PATH[0]:
                return None
            raise
        return next((item for item in found if item.path == path), None)

    async def entries(self, path: str) -> list[Info]:
        """What a folder holds, by name."""
        rows = await self._do(path, lambda: list(self._ftp.mlsd(path, ["type", "size", "modify"])))
        return sorted(
            (
                Info(posixpath.join(path, name), facts.get("type") == "dir", int(facts.get("size", 0)), _moment(facts))
                for name, facts in rows
                if facts.get("type") in ("file", "dir") and "/" not in name
            ),
            key=lambda item: item.path,
        )

    async def read(self, path: str) -> bytes:
        """A whole file."""
        found = io.BytesIO()

        def take(block: bytes) -> None:
            if found.tell() + len(block) > self._largest:
                raise failed(OPERATION_ERROR, f"{path!r} is longer than the {self._largest} bytes allowed")
            found.write(block)

        await self._do(path, lambda: self._ftp.retrbinary(f"RETR {path}", take))
        return found.getvalue()

    async def write(self, path: str, data: bytes, mode: str) -> None:
        """Write as the mode says."""
        if mode == "new" and await self.info(path) is not None:
            raise failed(ALREADY_EXISTS, f"{path!r} exists")
        await self.make(posixpath.dirname(path))
        verb = "APPE" if mode == "append" else "STOR"
        await self._do(path, lambda: self._ftp.storbinary(f"{verb} {path}", io.BytesIO(data)))

    async def make(self, path: str) -> None:
        """A folder and those above it."""
        if path != "/" and await self.info(path) is None:
            await self.make(posixpath.dirname(path))
            await self._do(path, lambda: self._ftp.mkd(path))

    async def remove(self, info: Info) -> None:
        """A file or an empty folder."""
        await self._do(info.path, lambda: (self._ftp.rmd if info.folder else self._ftp.delete)(info.path))

    async def rename(self, source: str, target: str) -> None:
        """Within the server."""
        if await self.info(target) is not None:
            raise failed(ALREADY_EXISTS, f"{target!r} exists")
        await self.make(posixpath.dirname(target))
        await self._do(source, lambda: self._ftp.rename(source, target))

    async def copy(self, source: str, target: str) -> None:
        """One file, through the integrator."""
        await self.write(target, await self.read(source), "over")

    async def _do(self, path: str, work: Callable[[], T]) -> T:
        if "\r" in path or "\n" in path:
            raise failed(ILLEGAL_PATH, f"path {path!r}: no line break is allowed")
        try:
            return await self._call.blocking(work)
        except ftplib.error_perm as error:
            raise failed(ILLEGAL_PATH, f"{path!r}: {error}") from error
        except ftplib.all_errors as error:
            raise failed(OPERATION_ERROR, f"{path!r}: {error}") from error


def _moment(facts: dict[str, str]) -> float:
    try:
        return datetime.strptime(facts["modify"][:14], "%Y%m%d%H%M%S").replace(tzinfo=UTC).timestamp()
    except (KeyError, ValueError):
        return 0.0


def _library() -> Any:
    """asyncssh, loaded when an SFTP connection is first used."""
    import asyncssh  # noqa: PLC0415  (a heavy library that few homes use)

    return asyncssh


class SftpFiles:
    """One log-in, kept for equal descriptions."""

    def __init__(self, call: Call, sftp: Any):
        self._sftp = sftp
        self._largest = call.limits.largest

    @classmethod
    async def open(cls, call: Call) -> SftpFiles:
        """Connect, check the host key, log in; kept while it is up. Raises ConnectorError."""
        key = call.described.key
        held = await call.connections.get(key, lambda: _log_in(call), _log_out)
        if held[0].is_closed():
            await call.connections.drop(key)
            held = await call.connections.get(key, lambda: _log_in(call), _log_out)
        return cls(call, held[1])

    async def close(self) -> None:
        """Kept for the next call."""

    async def info(self, path: str) -> Info | None:
        """Of a file or folder; None when there is none."""
        try:
            found = await self._do(path, self._sftp.stat(path))
        except ConnectorError as error:
            if error.code == ILLEGAL_PATH[0]:
                return None
            raise
        return _info(path, found)

    async def entries(self, path: str) -> list[Info]:
        """What a folder holds, by name; links are left out."""
        rows = await self._do(path, self._sftp.readdir(path))
        found = [
            _info(posixpath.join(path, str(row.filename)), row.attrs)
            for row in rows
            if str(row.filename) not in (".", "..") and not stat.S_ISLNK(row.attrs.permissions or 0)
        ]
        return sorted(found, key=lambda item: item.path)

    async def read(self, path: str) -> bytes:
        """A whole file."""

        async def take() -> bytes:
            async with self._sftp.open(path, "rb") as file:
                data: bytes = await file.read(self._largest + 1)
                return data

        data = await self._do(path, take())
        if len(data) > self._largest:
            raise failed(OPERATION_ERROR, f"{path!r} is longer than the {self._largest} bytes allowed")
        return data

    async def write(self, path: str, data: bytes, mode: str) -> None:
        """Write as the mode says."""
        if mode != "append":
            await self.make(posixpath.dirname(path))

        async def put() -> None:
            async with self._sftp.open(path, {"new": "xb", "over": "wb", "append": "ab"}[mode]) as file:
                await file.write(data)

        if mode == "new" and await self.info(path) is not None:
            raise failed(ALREADY_EXISTS, f"{path!r} exists")
        await self._do(path, put())

    async def make(self, path: str) -> None:
        """A folder and those above it."""
        await self._do(path, self._sftp.makedirs(path, exist_ok=True))

    async def remove(self, info: Info) -> None:
        """A file or an empty folder."""
        await self._do(info.path, (self._sftp.rmdir if info.folder else self._sftp.remove)(info.path))

    async def rename(self, source: str, target: str) -> None:
        """Within the server."""
        if await self.info(target) is not None:
            raise failed(ALREADY_EXISTS, f"{target!r} exists")
        await self.make(posixpath.dirname(target))
        await self._do(source, self._sftp.rename(source, target))

    async def copy(self, source: str, target: str) -> None:
        """One file, through the integrator."""
        await self.write(target, await self.read(source), "over")

    @staticmethod
    async def _do(path: str, work: Awaitable[T]) -> T:
        library = _library()
        try:
            return await work
        except (library.SFTPNoSuchFile, library.SFTPNoSuchPath, library.SFTPNotADirectory) as error:
            raise failed(ILLEGAL_PATH, f"{path!r}: {error.reason}") from error
        except library.SFTPPermissionDenied as error:
            raise failed(ACCESS_DENIED, f"{path!r}: {error.reason}") from error
        except (library.Error, OSError) as error:
            raise failed(OPERATION_ERROR, f"{path!r}: {error}") from error


def _info(path: str, found: Any) -> Info:
    return Info(path, stat.S_ISDIR(found.permissions or 0), int(found.size or 0), float(found.mtime or 0))


async def _log_in(call: Call) -> tuple[Any, Any]:
    library, given = _library(), call.connection
    host, port = call.limits.host(given["host"] or ""), given["port"] or 22
    options: dict[str, Any] = {"username": given["username"], "config": None, "agent_path": None}
    if given["password"]:
        options["password"] = given["password"]
    if given["privateKeyFilePath"]:
        options["client_keys"] = [given["privateKeyFilePath"]]
        options["passphrase"] = given["privateKeyPassword"]
    else:
        options["client_keys"] = None
    options["known_hosts"] = (given["knownHostsFile"] or ()) if given["strictHostKeyChecking"] else None
    connection = None
    try:
        async with asyncio.timeout(given["sftpConnectionTimeout"] / 1000):
            connection = await library.connect(host, port, **options)
            return connection, await connection.start_sftp_client()
    except BaseException as error:  # also when the call's time is over: nobody else knows of the connection
        if connection is not None:
            connection.abort()
        if not isinstance(error, library.Error | OSError | TimeoutError | ValueError):
            raise
        raise failed(CONNECTION_ERROR, f"{host}:{port}: {type(error).__name__}: {error}") from error


async def _log_out(held: tuple[Any, Any]) -> None:
    held[0].close()
    await held[0].wait_closed()
