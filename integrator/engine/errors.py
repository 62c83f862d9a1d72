"""The two ways things go wrong: an artifact that cannot be deployed, and a message that cannot go on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """Where a step or a mistake stands: artifact file, line and element path."""

    file: str
    line: int | None = None
    element: str = ""

    def __str__(self) -> str:
        """`file:line <element>` with the unknown parts left out."""
        line = f":{self.line}" if self.line else ""
        return f"{self.file}{line} <{self.element}>" if self.element else f"{self.file}{line}"


class DeploymentError(Exception):
    """An artifact is refused; what ran before goes on running."""

    def __init__(self, place: Place, reason: str):
        super().__init__(f"{place}: {reason}")
        self.place = place
        self.reason = reason


class Fault(Exception):
    """Mediation stops and the fault flow runs. Codes are those of reference 4.8; 0 is any other error."""

    def __init__(self, code: int, message: str, detail: str = "", place: Place | None = None):
        super().__init__(message)
        self.code = code
        self.message = message
        self.detail = detail or message
        self.place = place
        self.path = ""
        """The way to the step that failed, as it is shown to people; set where the steps run."""


class Discarded(Fault):
    """An answer came too late and the endpoint says discard: the flow ends without a fault."""


class Unsendable(Fault):
    """The request itself cannot be written (its method, address or a header): no failure of the backend."""


class BadPayload(Fault):
    """The body cannot be read as its content type says (code 601000)."""

    def __init__(self, message: str):
        super().__init__(PARSE_FAILED, message)


OTHER_ERROR = 0
RECEIVER_IO_SENDING = 101000
RECEIVER_IO_RECEIVING = 101001
SENDER_IO_SENDING = 101500
SENDER_IO_RECEIVING = 101501
CONNECTION_FAILED = 101503
CONNECTION_TIMEOUT = 101504
CONNECTION_CLOSED = 101505
PROTOCOL_VIOLATION = 101506
CONNECT_CANCELLED = 101507
CONNECT_TIMEOUT = 101508
SEND_ABORTED = 101509
RESPONSE_FAILED = 101510
SENDER_INVALID_STATE = 102510
NO_CHILD_READY = 303000
ENDPOINT_NOT_READY = 303001
WSDL_NOT_READY = 303002
AUTHENTICATION_FAILED = 303003
LOAD_BALANCE_FAILED_OVER = 303100
FAILOVER_FAILED_OVER = 304100
INDIRECT_NOT_READY = 305100
SESSION_NOT_READY = 309001
SESSION_INVALID_PATH = 309002
SESSION_FAILED = 309003
BLOCKING_CALL_NOT_SENT = 401001
CALLOUT_FAILED = 401000
BLOCKING_CALL_FAILED = 401002
CALL_FAILED = 401003
SOAP_FAULT_FORCED = 500000
TEMPLATE_PARAMETER_MISSING = 500101
PARSE_FAILED = 601000
NOT_THE_BACKENDS = frozenset(
    {
        OTHER_ERROR,
        RECEIVER_IO_SENDING,
        RECEIVER_IO_RECEIVING,
        CONNECT_CANCELLED,
        SEND_ABORTED,
        SENDER_INVALID_STATE,
        PARSE_FAILED,
    }
)
"""Codes of failures that no backend is to blame for: a caller that leaves must not suspend an endpoint."""
