"""libxmlsec1's own encryption as the other side: it reads what we encrypted, and we read what it encrypted."""

from __future__ import annotations

import pytest
import xmlsec
from lxml import etree

from integrator.engine.wss import encryption, suites
from integrator.engine.wss.inbound import enforce
from integrator.engine.wss.names import XENC
from integrator.engine.wss.outbound import apply
from integrator.engine.wss.references import name_certificate
from integrator.engine.wss.replay import Nonces
from tests.integrator.engine.wss.parties import ENCRYPTED, SIGNED, asymmetric, envelope, policy, private, sent, store

CLIENT, SERVER = store("client", "server"), store("server", "client")
BODY = "{http://schemas.xmlsoap.org/soap/envelope/}Body"


@pytest.mark.parametrize("suite", ["Basic256", "Basic128Rsa15", "Basic192Sha256"])
def test_libxmlsec_reads_ours(suite: str) -> None:
    """Session key and body."""
    request = envelope()
    apply(request, policy(asymmetric(suite) + SIGNED + ENCRYPTED, "client", "server"), CLIENT, lambda _: None)
    wire = sent(request)
    manager = xmlsec.KeysManager()
    manager.add_key(xmlsec.Key.from_memory(private("server").pem, xmlsec.constants.KeyDataFormatPem))
    key = xmlsec.EncryptionContext(manager).decrypt(wire.find(f".//{{{XENC}}}EncryptedKey"))
    context = xmlsec.EncryptionContext()
    context.key = xmlsec.Key.from_binary_data(xmlsec.constants.KeyDataAes, key)
    context.decrypt(wire.find(f".//{BODY}/{{{XENC}}}EncryptedData"))
    assert wire.findtext(".//{urn:orders}price") == "12 & 3"


@pytest.mark.parametrize(
    ("cipher", "bits"),
    [("aes128-cbc", 128), ("aes256-cbc", 256), ("aes128-gcm", 128), ("aes256-gcm", 256)],
)
def test_we_read_libxmlsecs(cipher: str, bits: int) -> None:
    """CBC and GCM, the key under RSA-OAEP."""
    uri = (suites.GCM if cipher.endswith("gcm") else suites.CBC)[bits]
    transform = getattr(xmlsec.constants, f"TransformAes{bits}{'Gcm' if cipher.endswith('gcm') else 'Cbc'}")
    request = envelope()
    body = request.find(BODY)
    template = xmlsec.template.encrypted_data_create(
        request, transform, id="ED-1", type=xmlsec.constants.TypeEncContent, ns="xenc"
    )
    xmlsec.template.encrypted_data_ensure_cipher_value(template)
    session = encryption.new_key(suites.SUITES[f"Basic{bits}"])
    context = xmlsec.EncryptionContext()
    context.key = xmlsec.Key.from_binary_data(xmlsec.constants.KeyDataAes, session)
    context.encrypt_xml(template, body)
    assert body[0].find(f"{{{XENC}}}EncryptionMethod").get("Algorithm") == uri
    header = etree.Element("{http://schemas.xmlsoap.org/soap/envelope/}Header")
    request.insert(0, header)
    security = etree.SubElement(
        header, "{http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd}Security"
    )
    peer = private("server").certificate
    suite = suites.SUITES[f"Basic{bits}"]
    made = encryption.add_key(
        security, session, peer, suite, lambda holder: name_certificate(holder, "thumbprint", peer)
    )
    encryption.refer(made, [body[0]])
    rules = policy((asymmetric(f"Basic{bits}") + ENCRYPTED).replace("<sp:IncludeTimestamp/>", ""))
    wire = sent(request)
    enforce(wire, rules, SERVER, lambda _: None, Nonces())
    assert wire.findtext(".//{urn:orders}price") == "12 & 3"
