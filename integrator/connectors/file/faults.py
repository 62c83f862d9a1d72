"""Errors of the file connector, with the codes and names of the original one."""

from __future__ import annotations

from integrator.engine.connectors.calls import ConnectorError

CONNECTION_ERROR = (700101, "FILE:CONNECTION_ERROR")
ILLEGAL_PATH = (700102, "FILE:ILLEGAL_PATH")
ALREADY_EXISTS = (700103, "FILE:FILE_ALREADY_EXISTS")
ACCESS_DENIED = (700105, "FILE:ACCESS_DENIED")
INVALID_CONFIGURATION = (700107, "FILE:INVALID_CONFIGURATION")
OPERATION_ERROR = (700108, "FILE:OPERATION_ERROR")


def failed(kind: tuple[int, str], detail: str) -> ConnectorError:
    """The error to raise."""
    return ConnectorError(*kind, detail)


def of_os(error: OSError, path: str) -> ConnectorError:
    """The error for what the system said. The path is the one of the artifact, not the system's."""
    if isinstance(error, FileNotFoundError | NotADirectoryError | IsADirectoryError):
        kind = ILLEGAL_PATH
    elif isinstance(error, FileExistsError):
        kind = ALREADY_EXISTS
    elif isinstance(error, PermissionError):
        kind = ACCESS_DENIED
    else:
        kind = OPERATION_ERROR
    return failed(kind, f"{path!r}: {error.strerror or type(error).__name__}")
