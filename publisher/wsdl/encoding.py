"""The schema of SOAP 1.1's encoding, which WSDLs name without bringing it along: arrays and the built-in types as elements."""

from __future__ import annotations

NAMESPACE = "http://schemas.xmlsoap.org/soap/encoding/"
_SIMPLE = (  # noqa: SIM905 - read as words
    "anyURI base64Binary boolean byte date dateTime decimal double duration float hexBinary int integer long "
    "negativeInteger nonNegativeInteger nonPositiveInteger normalizedString positiveInteger QName short string time token "
    "unsignedByte unsignedInt unsignedLong unsignedShort"
).split()


def _type(name: str, base: str) -> str:
    return (
        f'<complexType name="{name}"><simpleContent><extension base="{base}"/></simpleContent></complexType>'
        f'<element name="{name}" type="tns:{name}"/>'
    )


SCHEMA = (
    f'<schema xmlns="http://www.w3.org/2001/XMLSchema" xmlns:tns="{NAMESPACE}" targetNamespace="{NAMESPACE}">'
    '<attribute name="arrayType" type="string"/><attribute name="offset" type="string"/>'
    '<attribute name="position" type="string"/>'
    '<complexType name="Array"><sequence><any minOccurs="0" maxOccurs="unbounded" processContents="lax"/></sequence>'
    '<attribute ref="tns:arrayType"/><attribute ref="tns:offset"/></complexType>'
    '<element name="Array" type="tns:Array"/>'
    '<complexType name="Struct"><sequence><any minOccurs="0" maxOccurs="unbounded" processContents="lax"/></sequence>'
    '</complexType><element name="Struct" type="tns:Struct"/>'
    + "".join(_type(name, name) for name in _SIMPLE)
    + _type("base64", "base64Binary")
    + "</schema>"
).encode()
