"""JSON log lines as people see them."""

from __future__ import annotations

import re

import pytest

from apim.up.printer import render


def plain(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (
            '{"event": "api.publish", "level": "info", "timestamp": "2026-01-01T00:00:00Z", "api": "Pizza 1.0"}',
            "api.publish  api=Pizza 1.0",
        ),
        ('{"message": "refused", "level": "WARNING", "code": 900901}', "refused  code=900901"),
        ('{"event": "failed", "level": "error", "exception": "Traceback\\n  line"}', "failed\nTraceback\n  line"),
        ("[2026-11-21 14:53:47 +0000] [17903] [INFO] Booting worker", "Booting worker"),
        ("17878:M 21 Nov 2026 14:53:47.221 # Server initialized", "Server initialized"),
        (
            "17878:signal-handler (1795272834) Received SIGTERM scheduling shutdown...",
            "Received SIGTERM scheduling shutdown...",
        ),
        ("plain words stay", "plain words stay"),
        ("{not json", "{not json"),
        ("[1, 2]", "[1, 2]"),
    ],
)
def test_what_is_shown(line: str, shown: str) -> None:
    assert plain(render(line)) == shown


def test_levels_have_colours_and_long_values_end() -> None:
    assert render('{"event": "x", "level": "error"}').startswith("\033[31m")
    assert len(plain(render('{"event": "x", "body": "%s"}' % ("y" * 5000)))) < 250
