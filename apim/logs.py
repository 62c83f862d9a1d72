"""Structured logs of the Django side: JSON for machines, colours for people, the correlation id in every line."""

from __future__ import annotations

import logging
import logging.config
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from apim.config import Config

_SECRET_WORDS = ("password", "secret", "token", "authorization", "cookie")


def _mask(_logger: object, _name: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    for key in event:
        if any(word in key.lower() for word in _SECRET_WORDS) and event[key]:
            event[key] = "***"
    return event


def logging_config(config: Config) -> None:
    """Send structlog and standard logging through one handler on stderr."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _mask,
    ]
    final: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if config.log_format == "json"
        else structlog.dev.ConsoleRenderer(pad_event_to=0)
    )
    tail: list[structlog.typing.Processor] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    if config.log_format == "json":
        tail.append(structlog.processors.format_exc_info)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler()
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=[*tail, final]))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(config.log_level)
    for noisy in ("django.server", "httpx", "urllib3", "kombu", "amqp"):
        logging.getLogger(noisy).setLevel("WARNING")
