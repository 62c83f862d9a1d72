"""Algorithm suites of WS-SecurityPolicy: what is written, and what is accepted. Never less than the policy says.

A stronger hash or cipher than the suite's is accepted; RSA 1.5 key transport only where the suite names it.
"""

from __future__ import annotations

from dataclasses import dataclass

from integrator.engine.wss.names import DS, XENC, XENC11

_MORE = "http://www.w3.org/2001/04/xmldsig-more#"
SHA1, SHA256, SHA512 = f"{DS}sha1", f"{XENC}sha256", f"{XENC}sha512"
RSA_SHA1, RSA_SHA256, RSA_SHA512 = f"{DS}rsa-sha1", f"{_MORE}rsa-sha256", f"{_MORE}rsa-sha512"
HMAC_SHA1, HMAC_SHA256 = f"{DS}hmac-sha1", f"{_MORE}hmac-sha256"
OAEP, OAEP11, RSA15 = f"{XENC}rsa-oaep-mgf1p", f"{XENC11}rsa-oaep", f"{XENC}rsa-1_5"
CBC = {bits: f"{XENC}aes{bits}-cbc" for bits in (128, 192, 256)}
GCM = {bits: f"{XENC11}aes{bits}-gcm" for bits in (128, 192, 256)}
BITS = {uri: bits for table in (CBC, GCM) for bits, uri in table.items()}


@dataclass(frozen=True)
class Suite:
    """Bits of the cipher, hash bits of digests (1 = SHA-1), and whether keys travel under RSA 1.5."""

    name: str
    bits: int
    sha: int
    rsa15: bool

    @property
    def digest(self) -> str:
        """Digest that is written."""
        return SHA1 if self.sha == 1 else SHA256

    @property
    def digests(self) -> frozenset[str]:
        """Digests that are accepted."""
        return frozenset({SHA256, SHA512} | ({SHA1} if self.sha == 1 else set()))

    @property
    def asymmetric(self) -> str:
        """Signature method with a private key."""
        return RSA_SHA1 if self.sha == 1 else RSA_SHA256

    @property
    def asymmetrics(self) -> frozenset[str]:
        """Signature methods that are accepted from a certificate."""
        return frozenset({RSA_SHA256, RSA_SHA512} | ({RSA_SHA1} if self.sha == 1 else set()))

    @property
    def symmetric(self) -> str:
        """Signature method with a shared key."""
        return HMAC_SHA1 if self.sha == 1 else HMAC_SHA256

    @property
    def symmetrics(self) -> frozenset[str]:
        """Signature methods that are accepted from a shared key."""
        return frozenset({HMAC_SHA256} | ({HMAC_SHA1} if self.sha == 1 else set()))

    @property
    def cipher(self) -> str:
        """Cipher that is written."""
        return CBC[self.bits]

    @property
    def ciphers(self) -> frozenset[str]:
        """Ciphers that are accepted: the suite's length or longer."""
        return frozenset(uri for uri, bits in BITS.items() if bits >= self.bits)

    @property
    def wrap(self) -> str:
        """Key transport that is written."""
        return RSA15 if self.rsa15 else OAEP

    @property
    def wraps(self) -> frozenset[str]:
        """Key transports that are accepted."""
        return frozenset({OAEP, OAEP11} | ({RSA15} if self.rsa15 else set()))


SUITES = {
    f"Basic{bits}{sha}{rsa}": Suite(f"Basic{bits}{sha}{rsa}", bits, 256 if sha else 1, bool(rsa))
    for bits in (256, 192, 128)
    for sha in ("", "Sha256")
    for rsa in ("", "Rsa15")
}
"""TripleDes suites are not among them: the cipher's blocks are too short to be safe."""
