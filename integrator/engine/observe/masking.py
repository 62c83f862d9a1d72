"""Masks in log lines: patterns of conf/wire-log-masking.properties, and the digits of nothing else (reference 7.3)."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path

import re2

MASK = "*****"
MOST = 100
"""Patterns that are taken."""
FILE = "wire-log-masking.properties"


class Masks(logging.Filter):
    """Replaces what the patterns find in the text of a record. Patterns run in linear time, whatever the line holds."""

    def __init__(self, patterns: Iterable[str] = ()):
        super().__init__()
        self.patterns = [re2.compile(pattern) for pattern in patterns]

    def filter(self, record: logging.LogRecord) -> bool:
        """Mask the record's text; every record passes."""
        if self.patterns:
            text = record.getMessage()
            masked = self.apply(text)
            if masked != text:
                record.msg, record.args = masked, ()
        return True

    def apply(self, text: str) -> str:
        """The text with what is found replaced by MASK."""
        for pattern in self.patterns:
            text = pattern.sub(MASK, text)
        return text

    def read(self, home: Path) -> None:
        """Take the patterns of a home; a pattern that cannot be used is told and left out."""
        self.patterns = list(_patterns(home / "conf" / FILE))


def _patterns(file: Path) -> Iterable[re2._Regexp]:
    try:
        lines = file.read_text("utf-8").splitlines()
    except OSError:
        return
    options = re2.Options()
    options.log_errors = False
    for line in lines[: MOST * 10]:
        name, equals, pattern = line.partition("=")
        if not equals or line.lstrip().startswith(("#", "!")):
            continue
        try:
            yield re2.compile(pattern.strip(), options)
        except re2.error as error:
            logging.getLogger("integrator").error("%s: %s=%r: %s", file, name.strip(), pattern.strip(), error)
