"""`${…}` expressions: values, what is refused with line and column, laws that hold for any input, and a fuzz of the parser."""

from __future__ import annotations

import base64
import json
import math
import random
import re
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption
from cryptography.hazmat.primitives.serialization.pkcs12 import serialize_key_and_certificates
from hypothesis import given
from hypothesis import strategies as st

from integrator.engine.content.payload import Payload
from integrator.engine.errors import DeploymentError, Fault, Place
from integrator.engine.expressions import compile_path, compile_value
from integrator.engine.expressions.synapse import SynapseError, compile_synapse, compile_template
from integrator.engine.expressions.synapse.functions import FUNCTIONS
from integrator.engine.message import Flow, Message
from integrator.engine.xmltools import parse
from tests.integrator.coverage import covers

CASES = yaml.safe_load((Path(__file__).parents[2] / "corpus" / "expressions" / "synapse.yaml").read_text())
BODY = CASES["body"]


def message(body: Any = BODY) -> Message:
    """A message with a body, variables, headers, properties and a deployment that knows a few entries."""
    entries = {"gov:/config/service": "http://there", "gov:/config/resource": '{"student": {"name": "Ann"}}'}
    properties = {"gov:/config/service@key": "value of key"}
    deployment = SimpleNamespace(
        entry_text=entries.get,
        local_entry=lambda name: None,
        registry=SimpleNamespace(read_property=properties.get),
        config=SimpleNamespace(
            tables={"secrets": {"db": "[geheim]"}}, file_property={"region": "eu"}.get, hostname="localhost"
        ),
    )
    made = Message(Flow(deployment, SimpleNamespace(sent=False)), Payload())  # type: ignore[arg-type]
    made.payload.set_json(body)
    made.headers.set("Content-Type", "application/json")
    made.headers.set("X-Id", "7")
    made.properties |= {"p": "prop", "n": 5, "uri.var.id": "42", "query.param.q": "find"}
    made.axis2["HTTP_SC"] = 201
    made.func.append({"a": "argument"})
    made.variables = dict(CASES["variables"]) | {"xml": parse("<s><name>Tom</name></s>")}
    return made


MESSAGE = message()


@covers("expr.synapse")
@pytest.mark.parametrize(("text", "wanted"), [(item[0], item[1]) for item in CASES["values"]])
def test_values(text: str, wanted: Any) -> None:
    found = compile_synapse(f"${{{text}}}", {}).value(MESSAGE)
    assert found == wanted
    assert type(found) is type(wanted)


@pytest.mark.parametrize(("text", "wanted"), CASES["texts"])
def test_texts(text: str, wanted: str) -> None:
    assert compile_template(text, {}).string(MESSAGE) == wanted


@covers("expr.synapse")
@pytest.mark.parametrize(("text", "reason"), CASES["refused"])
def test_what_is_wrong_is_refused_with_its_place(text: str, reason: str) -> None:
    with pytest.raises(DeploymentError) as caught:
        compile_path(text, parse("<log/>"), Place("a.xml", 7, "log"))
    assert "a.xml:7 <log>: wrong expression: " in str(caught.value)
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("payload.name * 2", "a number is expected, not a text, at *: payload.name is a text, 2 is a number"),
        ("1 + 2 - null", "a number is expected, not null, at -: 1 + 2 is a number, null is null"),
        (
            "payload.missing + 'x'",
            "a text and nothing cannot be joined, at +: payload.missing is nothing, 'x' is a text",
        ),
        ("(1 + 2) / 0", "division by zero, at /: (1 + 2) is a number, 0 is a number"),
        ("3 < true", "a number is expected, not true or false, at <: 3 is a number, true is true or false"),
        ("vars.xml * [1]", "a number is expected, not XML, at *: vars.xml is XML, [1] is an array"),
    ],
)
def test_empty_is_logged_without_the_content(text: str, reason: str, caplog: pytest.LogCaptureFixture) -> None:
    """The line tells what each operand was, never its value."""
    assert compile_synapse(f"${{{text}}}", {}).value(MESSAGE) == ""
    assert f"${{{text}}} is empty: {reason}" in caplog.text
    assert BODY["name"] not in caplog.text


def test_paths_into_the_body_are_what_mediators_know_as_jsonpath() -> None:
    for text in ("${payload}", "${$.list}", "${ payload.list[*].n }", "${payload.a.b}"):
        assert type(compile_synapse(text, {})).__name__ == "JsonEval"
    assert not compile_synapse("${vars.s}", {}).reads_content
    assert compile_synapse("${vars.s + payload.name}", {}).reads_content


def test_braces_of_dynamic_values() -> None:
    element, place = parse("<log/>"), Place("a.xml")
    assert compile_value("{${payload.name}}", element, place).string(MESSAGE) == BODY["name"]
    assert compile_value("a-${payload.name}-b", element, place).string(MESSAGE) == f"a-{BODY['name']}-b"
    assert compile_value("$name", element, place).string(MESSAGE) == "$name"


@covers("expr.fn.vault")
def test_secrets(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("OF_THE_ENVIRONMENT", "e")
    (tmp_path / "filed").write_text("f\n")
    (tmp_path.parent / "outside").write_text("no")
    made = message()
    made.deployment.config.tables["secrets"]["directory"] = str(tmp_path)
    texts = {
        "${secret('db')}": "geheim",
        "${wso2-vault('db')}": "geheim",
        "wso2:vault-lookup('db')": "geheim",
        "wso2:vault-lookup('OF_THE_ENVIRONMENT', 'ENV')": "e",
        "wso2:vault-lookup('filed', 'FILE')": "f",
    }
    for text, wanted in texts.items():
        assert compile_path(text, parse("<log/>"), Place("a.xml")).string(made) == wanted
    for text in ("${secret('none')}", "wso2:vault-lookup('../outside', 'FILE')", "wso2:vault-lookup('db', 'OTHER')"):
        with pytest.raises(Fault, match="vault-lookup"):
            compile_path(text, parse("<log/>"), Place("a.xml")).string(made)


def key_store(file: Path, alias: str, password: bytes) -> None:
    """A PKCS#12 store with a new key."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, alias)])
    begin = datetime(2020, 1, 1, tzinfo=UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(begin).not_valid_after(begin + timedelta(days=9000))
    hiding = BestAvailableEncryption(password)
    file.write_bytes(serialize_key_and_certificates(alias.encode(), key, made.sign(key, SHA256()), None, hiding))


@covers("expr.fn.encrypt", "expr.fn.decrypt")
def test_encrypt_and_decrypt(tmp_path: Path) -> None:
    (tmp_path / "security").mkdir()
    key_store(tmp_path / "security/keys.p12", "mine", b"pw")
    key_store(tmp_path.parent / "outside.p12", "mine", b"pw")
    made = message()
    made.deployment.registry = SimpleNamespace(home=tmp_path, file=lambda key: tmp_path / key.partition(":/")[2])  # type: ignore[assignment]

    def run(text: str) -> str:
        return compile_path(text, parse("<log/>"), Place("a.xml")).string(made) or ""

    for rest in ("", ", 'PKCS12'", ", 'PKCS12', 'RSA/ECB/OAEPWithSHA1AndMGF1Padding'"):
        made.properties["hidden"] = hidden = run(f"encrypt('geheim é', 'security/keys.p12', 'pw', 'mine'{rest})")
        assert len(base64.b64decode(hidden)) == 256
        assert run(f"wso2:decrypt($ctx:hidden, 'conf:/security/keys.p12', 'pw', 'mine'{rest})") == "geheim é"
    for text, reason in {
        "encrypt('a', 'security/keys.p12', 'pw', 'other')": "no alias 'other'",
        "encrypt('a', 'security/keys.p12', 'wrong', 'mine')": "a wrong password, or no PKCS#12 store; keytool",
        "encrypt('a', '../outside.p12', 'pw', 'mine')": "a file of the home is expected",
        "encrypt('a', 'security/keys.p12', 'pw', 'mine', 'BKS')": "allowed are JKS, PKCS12",
        "encrypt('a', 'security/keys.p12', 'pw', 'mine', 'JKS', 'DES')": "algorithm 'DES'",
        "encrypt('a', 'security/keys.p12')": "encrypt takes a text",
        "decrypt('%', 'security/keys.p12', 'pw', 'mine')": "decrypt: the text was not encrypted for this key",
    }.items():
        with pytest.raises(Fault, match=re.escape(reason)):
            run(text)


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4)
)
NUMBERS = st.integers(-(10**12), 10**12)


def run(text: str, **values: Any) -> Any:
    """The value with these variables. The message is new: other tests read the variables of theirs."""
    made = message()
    made.variables = values
    return compile_synapse(f"${{{text}}}", {}).value(made)


@given(NUMBERS, NUMBERS)
def test_arithmetic_is_arithmetic(a: int, b: int) -> None:
    assert run("vars.a + vars.b - vars.b", a=a, b=b) == a
    assert run("(vars.a + vars.b) * 2 == vars.a * 2 + vars.b * 2", a=a, b=b) is True
    if b:
        quotient, rest = run("vars.a / vars.b", a=a, b=b), run("vars.a % vars.b", a=a, b=b)
        assert math.isclose(quotient, a / b)
        assert rest == math.fmod(a, b)


@given(NUMBERS, NUMBERS)
def test_exactly_one_order_holds(a: int, b: int) -> None:
    assert [run(f"vars.a {sign} vars.b", a=a, b=b) for sign in ("<", "==", ">")].count(True) == 1


@given(st.text(), st.text())
def test_texts_keep_their_laws(a: str, b: str) -> None:
    assert run("vars.a + vars.b", a=a, b=b) == a + b
    assert run("startsWith(vars.a + vars.b, vars.a) && contains(vars.a + vars.b, vars.b)", a=a, b=b) is True
    assert run("length(vars.a + vars.b) == length(vars.a) + length(vars.b)", a=a, b=b) is True
    assert run("subString(vars.a + vars.b, length(vars.a))", a=a, b=b) == b


@given(st.text(alphabet=st.characters(exclude_categories=("Cs",))))
def test_what_is_encoded_is_decoded(text: str) -> None:
    assert run("base64decode(base64encode(vars.a))", a=text) == text
    assert run("urlDecode(urlEncode(vars.a))", a=text) == text


@given(VALUES)
def test_any_value_equals_itself_and_survives_its_text(value: Any) -> None:
    assert run("vars.a == vars.a", a=value) is True
    if isinstance(value, dict):
        assert run("object(string(vars.a))", a=value) == value


@given(st.text(), VALUES)
def test_names_in_quotes_are_any_names(name: str, value: Any) -> None:
    assert run(f"vars.a[{json.dumps(name)}] == vars.b", a={name: value}, b=value) is True


@given(st.sampled_from(sorted(FUNCTIONS)), st.lists(VALUES, max_size=3))
def test_functions_take_any_value(name: str, values: list[Any]) -> None:
    least, most, _ = FUNCTIONS[name]
    values = (values + [None] * least)[: max(least, min(most, len(values)))]
    names = [f"v{number}" for number in range(len(values))]
    run(f"{name}({', '.join('vars.' + each for each in names)})", **dict(zip(names, values, strict=True)))


WORDS = str.split("""payload $
vars .a . .. [ ] ( ) { } ? ( @ : , + - * / % == != < <= > >= && || ! and or 'x' "y" 12 1.5 true null
length( xpath( registry( exists( [?(@.a =~ /x/ in nin size ['k'] [0] [1:2] [*] =~ /( ${ 'open # §""")


def test_the_parser_refuses_or_compiles_whatever_it_gets() -> None:
    chance = random.Random(7)  # noqa: S311  (the same texts each time)
    compiled = 0
    for _ in range(6000):
        text = " ".join(chance.choices(WORDS, k=chance.randrange(1, 12)))
        try:
            expression = compile_synapse(f"${{{text}}}", {})
        except SynapseError as error:
            assert "column" in str(error)
            continue
        compiled += 1
        expression.string(MESSAGE)
    assert compiled > 50


@given(st.text())
def test_any_text_is_refused_or_compiled(text: str) -> None:
    try:
        compile_template("${" + text, {})
    except SynapseError as error:
        assert "column" in str(error)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 5000,
        "-" * 5000,
        "[" * 5000,
        "payload" + "[payload" * 3000,
        "a" * 30_000,
        "'" * 9999,
        "1+" * 9000,
        "!" * 9999,
    ]
    + ["payload" + "..*" * 3000, "true ? " * 3000, "not(" * 3000, "1" * 19_000],
)
def test_hostile_expressions_are_refused_in_time(text: str) -> None:
    began = time.process_time()
    with pytest.raises((SynapseError, ValueError)):
        compile_synapse(f"${{{text}}}", {})
    assert time.process_time() - began < 5


def test_hostile_bodies_meet_bounds() -> None:
    made = message(
        {"a": "a" * 200_000, "b": "b" * 200_000, "p": 10**300, "x": "a" * 5000 + "!", "l": [{"x": "a" * 5000 + "!"}]}
    )
    for text in (
        "replace(payload.a, 'a', payload.b)",
        "payload.p * payload.p",
        "pow(payload.p, payload.p)",
        "integer(payload.a)",
        "subString(payload.a, 5, 1)",
        "payload.a / 0",
    ):
        assert compile_synapse(f"${{{text}}}", {}).value(made) == "", text
    began = time.process_time()
    assert compile_synapse("${payload.l[?(@.x =~ /(a+)+$/)]}", {}).value(made) == []
    assert time.process_time() - began < 5
