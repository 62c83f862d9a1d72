"""Secrets in sources, parameters and addresses are not told; expressions and everything else are."""

from __future__ import annotations

import time

import pytest

from integrator.management_api.masking import masked, masked_url, masked_xml


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<password>abc</password>", "<password>***</password>"),
        ("<s:clientSecret a='b'>abc</s:clientSecret>", "<s:clientSecret a='b'>***</s:clientSecret>"),
        ("<password>{$ctx:p}</password>", "<password>{$ctx:p}</password>"),
        ("<password>$SYSTEM:P</password>", "<password>$SYSTEM:P</password>"),
        (
            '<parameter name="store.jdbc.password">abc</parameter>',
            '<parameter name="store.jdbc.password">***</parameter>',
        ),
        ('<property name="password" value="abc"/>', '<property name="password" value="***"/>'),
        ('<h:basicAuth password="abc"/>', '<h:basicAuth password="***"/>'),
        ('<address uri="http://u:abc@host/x"/>', '<address uri="http://***@host/x"/>'),
        ('<log level="full"/><a>b</a>', '<log level="full"/><a>b</a>'),
    ],
)
def test_sources(text: str, expected: str) -> None:
    """Literals of secret elements, parameters and attributes; not what only points at them."""
    assert masked_xml(text) == expected


def test_values_and_addresses() -> None:
    """By name, and inside addresses."""
    assert masked("db.password", "abc") == "***" and masked("password", "") == ""
    assert masked("level", "abc") == "abc"
    assert masked_url("jdbc:mysql://h/d?user=a&password=abc;x=1") == "jdbc:mysql://h/d?user=a&password=***;x=1"


@pytest.mark.parametrize("piece", ['<parameter name="', "<password ", ' name="passw', "secret=", "//a:"])
def test_hostile_sources_take_linear_time(piece: str) -> None:
    """A megabyte of one beginning is read in well under the time that a backtracking engine would need."""
    began = time.process_time()
    masked_xml(piece * (1_000_000 // len(piece)))
    assert time.process_time() - began < 5
