"""Every line that is logged while a message is served has its correlation id and artifact, whoever logs it."""

from __future__ import annotations

import io
import json
import logging
from pathlib import Path

from integrator.engine.logs import JsonFormatter, TextFormatter
from tests.integrator.traces.world import api, world


async def test_lines_of_a_message_have_its_correlation_id(tmp_path: Path) -> None:
    """The endpoint's warning and the failure's line alike, in a branch of its own too."""
    gone = '<call><endpoint name="Gone"><address uri="http://127.0.0.1:1/x"/></endpoint></call>'
    flow = f'<clone><target><sequence>{gone}</sequence></target></clone><log level="custom"/><respond/>'
    text, lines = io.StringIO(), io.StringIO()
    handlers = [logging.StreamHandler(text), logging.StreamHandler(lines)]
    handlers[0].setFormatter(TextFormatter(colour=False))
    handlers[1].setFormatter(JsonFormatter())
    logger = logging.getLogger("integrator")
    try:
        async with world(tmp_path, {("api", "orders"): api(flow)}) as running:
            logger.handlers += handlers
            await running.call(activityid="one-and-the-same")
            logger.handlers = [item for item in logger.handlers if item not in handlers]
    finally:
        logger.handlers = [item for item in logger.handlers if item not in handlers]
    found = [json.loads(line) for line in lines.getvalue().splitlines()]
    assert {"integrator.endpoint", "integrator.mediation"} <= {line["logger"] for line in found}
    assert {line.get("correlation_id") for line in found} == {"one-and-the-same"}
    assert {line.get("artifact") for line in found} == {"api:orders"}
    written = [line for line in text.getvalue().splitlines() if " integrator." in line]
    assert written
    assert all("[api:orders one-and-the-same]" in line for line in written)
