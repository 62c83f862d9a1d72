"""The declaration of a file connection, and what operations share: the place, filters, common parameters."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from integrator.connectors.file.faults import ILLEGAL_PATH, INVALID_CONFIGURATION, failed
from integrator.connectors.file.local import LocalFiles
from integrator.connectors.file.places import Files, Info, clean
from integrator.connectors.file.remote import FtpFiles, SftpFiles
from integrator.engine.connectors.calls import Call, ConnectorError
from integrator.engine.connectors.declare import Connector, Parameter

CONNECTOR = Connector(
    "file",
    "Files and folders of the disk, and of FTP, FTPS and SFTP servers.",
    (
        Parameter("connectionType", "Where the files are.", default="LOCAL", choices=("LOCAL", "FTP", "FTPS", "SFTP")),
        Parameter("workingDir", "Folder that every path lies below.", default=""),
        Parameter("host", "Host name of the server."),
        Parameter("port", "Port of the server: 21 for FTP and FTPS, 22 for SFTP.", "integer"),
        Parameter("username", "User."),
        Parameter("password", "Password.", secret=True),
        Parameter("isPassive", "Whether FTP data connections are opened by the integrator.", "boolean", default=True),
        Parameter("ftpConnectionTimeout", "Milliseconds FTP waits.", "integer", default=30_000),
        Parameter("sftpConnectionTimeout", "Milliseconds to connect and log in.", "integer", default=30_000),
        Parameter("strictHostKeyChecking", "Whether the SFTP server's key must be known.", "boolean", default=True),
        Parameter("knownHostsFile", "File of known host keys (ours; the original has one for the whole server)."),
        Parameter("privateKeyFilePath", "Private key file for SFTP."),
        Parameter("privateKeyPassword", "Passphrase of that key.", secret=True),
        Parameter("trustStorePath", "PEM file of the authorities trusted for FTPS."),
        *(
            Parameter(name, "Taken and ignored: it tunes the original's library.")
            for name in (
                "fileLockScheme", "maxFailureRetryCount", "encodePassword", "userDirIsRoot", "enableEncryption",
                "ftpSocketTimeout", "retryCount", "keyStorePath", "keyStorePassword", "keyPassword",
                "trustStorePassword", "implicitModeEnabled", "channelProtectionLevel", "sftpSessionTimeout",
                "setAvoidPermission", "sftpPathFromRoot", "sftpPoolConnectionAgedTimeout", "maxActiveConnections",
                "maxIdleConnections", "maxWaitTime", "evictionCheckInterval", "minEvictionTime", "exhaustedAction",
                "fileCacheEnabled", "suspendOnConnectionFailure", "retriesBeforeSuspension",
                "suspendInitialDuration", "suspendProgressionFactor", "suspendMaximumDuration",
            )
        ),
    ),
    error_code=INVALID_CONFIGURATION[0],
)  # fmt: skip

RETRIES = (
    Parameter("maxRetries", "How often a failed operation is tried again, at most 10.", "integer", default=0),
    Parameter("retryDelay", "Milliseconds between tries.", "integer", default=0),
)
UNITS = {"d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0, "": 0.001}
IGNORED = (
    Parameter("timeBetweenSizeCheck", "Taken and ignored."),
    Parameter("diskShareAccessMask", "Taken and ignored."),
    Parameter("enableLock", "Taken and ignored: files are replaced in one step.", "boolean"),
    Parameter("enableStreaming", "Taken and ignored.", "boolean"),
)
FILTERS = (
    Parameter("fileFilterType", "How the next two are read.", default="ant", choices=("ant", "regex")),
    Parameter("includeFiles", "Patterns of names to take, parted by commas.", default=""),
    Parameter("excludeFiles", "Patterns of names to leave out, parted by commas.", default=""),
    Parameter("maxFileAge", "Leave out files that were changed longer ago: 30d, 12h, 5m, 10s, or milliseconds."),
)


def text(name: str, about: str, required: bool = True) -> Parameter:
    """A path or name."""
    return Parameter(name, about, required=required)


@dataclass
class Place:
    """The file system of a call and how artifacts name paths in it."""

    files: Files
    call: Call
    working: str = field(default="")

    def path(self, given: str) -> str:
        """A path of a parameter as the file system's. Raises ConnectorError."""
        return clean(self.working, given)

    async def existing(self, given: str) -> Info:
        """What must be there. Raises ConnectorError."""
        found = await self.files.info(self.path(given))
        if found is None:
            raise failed(ILLEGAL_PATH, f"{given!r} does not exist")
        return found

    async def folder(self, given: str) -> Info:
        """A folder that must be there. Raises ConnectorError."""
        found = await self.existing(given)
        if not found.folder:
            raise failed(ILLEGAL_PATH, f"{given!r} is no folder")
        return found


@asynccontextmanager
async def place_of(call: Call) -> AsyncIterator[Place]:
    """The file system of a call's connection. Raises ConnectorError."""
    given = call.connection
    kind, working = given["connectionType"], given["workingDir"] or ""
    if kind == "LOCAL":
        if working and not working.startswith(("/", "file://")):
            working = str(call.message.deployment.registry.home / working)
        yield Place(LocalFiles(call), call, working)
        return
    if not given["host"]:
        raise failed(INVALID_CONFIGURATION, f"host is required for {kind}")
    remote = await (SftpFiles.open(call) if kind == "SFTP" else FtpFiles.open(call))
    try:
        yield Place(remote, call, working)
    finally:
        await remote.close()


def operation(*parameters: Parameter, reads_content: bool = False) -> Callable[..., Any]:
    """Decorator: an operation on a place, tried again as its parameters say."""

    def decorate(run: Callable[[Place], Awaitable[Any]]) -> Callable[[Place], Awaitable[Any]]:
        async def tried(call: Call) -> Any:
            for left in range(max(0, min(int(call.values.get("maxRetries") or 0), 10)), -1, -1):
                try:
                    async with place_of(call) as place:
                        return await run(place)
                except ConnectorError:
                    if not left:
                        raise
                    await asyncio.sleep((call.values.get("retryDelay") or 0) / 1000)
            return None

        about = (run.__doc__ or "").split("\n")[0]
        CONNECTOR.operation(run.__name__, *parameters, about=about, reads_content=reads_content)(tried)
        return run

    return decorate


def pattern(text_given: str | None) -> Callable[[str], bool]:
    """Whether a name fits a regular expression as a whole; everything fits none. Raises ConnectorError."""
    if not text_given:
        return lambda _: True
    import re2  # noqa: PLC0415  (only homes that filter files need it)

    try:
        compiled = re2.compile(text_given)
    except re2.error as error:
        raise failed(INVALID_CONFIGURATION, f"pattern {text_given!r}: {error}") from error
    return lambda name: compiled.fullmatch(name) is not None


def chosen(call: Call, expression: str | None = None) -> Callable[[Info], bool]:
    """The filters of a call as one question to a file. Raises ConnectorError."""
    fits = pattern(expression)
    regex = call.values.get("fileFilterType") == "regex"
    include = _patterns(call.values.get("includeFiles"), regex)
    exclude = _patterns(call.values.get("excludeFiles"), regex)
    age = call.values.get("maxFileAge")
    oldest = time.time() - _seconds(age) if age else None

    def question(item: Info) -> bool:
        if not fits(item.name) or (include and not any(one(item.name) for one in include)):
            return False
        return not any(one(item.name) for one in exclude) and (oldest is None or item.modified >= oldest)

    return question


def _seconds(age: str) -> float:
    number, unit = (age[:-1], age[-1].lower()) if age[-1:].isalpha() else (age, "")
    if unit not in UNITS or not number.strip().isdigit():
        raise failed(
            INVALID_CONFIGURATION, f"maxFileAge {age!r}: a whole number with d, h, m, s or nothing is expected"
        )
    return int(number) * UNITS[unit]


def _patterns(given: str | None, regex: bool) -> list[Callable[[str], bool]]:
    words = [word.strip() for word in (given or "").split(",") if word.strip()]
    return [pattern(word if regex else _of_ant(word)) for word in words]


def _of_ant(word: str) -> str:
    name = word.rpartition("/")[2]
    return re.escape(name).replace(r"\*\*", ".*").replace(r"\*", ".*").replace(r"\?", ".")


def done(**more: Any) -> dict[str, Any]:
    """The answer of an operation that went well."""
    return {"success": True, **more}
