"""Names of WS-Security: namespaces, algorithm identifiers, value types, and the fault of a refused message."""

from __future__ import annotations

_WSS = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-"
WSSE = f"{_WSS}wssecurity-secext-1.0.xsd"
WSU = f"{_WSS}wssecurity-utility-1.0.xsd"
WSSE11 = "http://docs.oasis-open.org/wss/oasis-wss-wssecurity-secext-1.1.xsd"
DS = "http://www.w3.org/2000/09/xmldsig#"
XENC = "http://www.w3.org/2001/04/xmlenc#"
XENC11 = "http://www.w3.org/2009/xmlenc11#"
EXC_C14N = "http://www.w3.org/2001/10/xml-exc-c14n#"
XML = "http://www.w3.org/XML/1998/namespace"

_USERNAME = f"{_WSS}username-token-profile-1.0#"
PASSWORD_TEXT = f"{_USERNAME}PasswordText"
PASSWORD_DIGEST = f"{_USERNAME}PasswordDigest"
BASE64 = f"{_WSS}soap-message-security-1.0#Base64Binary"
X509V3 = f"{_WSS}x509-token-profile-1.0#X509v3"
X509SKI = f"{_WSS}x509-token-profile-1.0#X509SubjectKeyIdentifier"
_WSS11 = "http://docs.oasis-open.org/wss/oasis-wss-soap-message-security-1.1#"
THUMBPRINT = f"{_WSS11}ThumbprintSHA1"
ENCRYPTED_KEY = f"{_WSS11}EncryptedKey"
ENCRYPTED_KEY_SHA1 = f"{_WSS11}EncryptedKeySHA1"

CONTENT, ELEMENT = f"{XENC}Content", f"{XENC}Element"

FAILED_AUTHENTICATION = "FailedAuthentication"
FAILED_CHECK = "FailedCheck"
INVALID_SECURITY = "InvalidSecurity"
INVALID_TOKEN = "InvalidSecurityToken"  # noqa: S105  (a fault code, no password)
UNAVAILABLE = "SecurityTokenUnavailable"
UNSUPPORTED = "UnsupportedAlgorithm"
EXPIRED = "MessageExpired"


class SecurityRefusal(Exception):
    """A message is refused. `code` is a local name of the specification's fault codes; the text is safe to send."""

    def __init__(self, code: str, text: str, space: str = ""):
        super().__init__(text)
        self.code = code
        self.text = text
        self.namespace = space or (WSU if code == EXPIRED else WSSE)

    @property
    def prefix(self) -> str:
        """Prefix for its namespace, as people know it."""
        return {WSSE: "wsse", WSU: "wsu"}.get(self.namespace, "wsa")


def wsse(name: str) -> str:
    """A tag of the security extension."""
    return f"{{{WSSE}}}{name}"


def wsu(name: str) -> str:
    """A tag or attribute of the utility schema."""
    return f"{{{WSU}}}{name}"


def ds(name: str) -> str:
    """A tag of XML Signature."""
    return f"{{{DS}}}{name}"


def xenc(name: str) -> str:
    """A tag of XML Encryption."""
    return f"{{{XENC}}}{name}"
