"""What a trace hides in texts, what it leaves alone, and that no text makes it slow."""

from __future__ import annotations

import pytest

from integrator.engine.tracing.masking import mask, shown


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ('{"user": "u", "password": "p\\"q"}', '{"user": "u", "password": "***"}'),
        ('{"clientSecret":12, "x": 1}', '{"clientSecret":"***", "x": 1}'),
        ('{"access_token": "cut of', '{"access_token": "***"'),
        (
            "<a><ns:Password kind='x'>p</ns:Password><b>2</b></a>",
            "<a><ns:Password kind='x'>***</ns:Password><b>2</b></a>",
        ),
        ("<password/><b>2</b>", "<password/><b>2</b>"),
        ('<property name="dbPassword" value="p"/>', '<property name="dbPassword" value="***"/>'),
        ('<property value="p" name="apiKey"/>', '<property value="***" name="apiKey"/>'),
        ('<login password="p" user="u"/>', '<login password="***" user="u"/>'),
        ("user=u&password=p&x=1", "user=u&password=***&x=1"),
        ("https://h/a?api_key=k&b=1", "https://h/a?api_key=***&b=1"),
        ("redis://user:word@h:1/0", "redis://user:***@h:1/0"),
        ("Authorization: Bearer abcdef123456", "Authorization: Bearer ***"),
        ("x eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ1In0.c2ln y", "x *** y"),
        ('{"name": "Ada", "city": "London"}', '{"name": "Ada", "city": "London"}'),
        ("a basic requirement", "a basic requirement"),
    ],
)
def test_texts(text: str, masked: str) -> None:
    """Only the values go; what is around them stays readable."""
    assert mask(text) == masked


def test_values_are_cut_with_their_size() -> None:
    """A long value says how long it was; a secret one says nothing else."""
    assert shown("x", "abcdef", 3) == "abc… (6 characters)"
    assert shown("x-api-key", "abcdef", 3) == "*** (6 characters)"


@pytest.mark.parametrize(
    "piece", ['"', "<", '"password', "<password ", 'value="x" ', 'name="token" ', "http://", "basic ", "eyJ"]
)
def test_hostile_texts(piece: str) -> None:
    """As much text as is kept of a payload, made to send a pattern back and forth."""
    text = (piece * 40_000)[:32_768] + "password"
    assert len(mask(text)) <= 4 * len(text)
