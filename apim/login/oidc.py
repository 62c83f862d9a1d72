"""OpenID Connect as a client: discovery, the way to the provider with state, nonce and PKCE, and the check of what comes back.

Calls go through the key manager's bounded client: checked addresses, no redirects, limits on time and size.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus, urlencode

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from apim.errors import ApimError
from apim.keymanager import outbound
from apim.keymanager.assertions import ALGORITHMS, LEEWAY
from apim.keymanager.vault import unseal
from apim.login.models import IdentityProvider

LONGEST = 65_536
"""Characters of an ID token that are read."""
REMEMBERED = 300.0
"""Seconds for which a discovery document is used again."""
MOST_REMEMBERED = 256
_documents: dict[str, tuple[float, dict[str, Any]]] = {}


class LoginFailed(ApimError):
    """The log-in at the provider cannot be accepted; the text may be shown."""

    status, code, message = 400, 900400, "Log-in failed"


@dataclass(frozen=True)
class Departure:
    """Where the browser goes, and what must be kept until it comes back."""

    address: str
    state: str
    nonce: str
    verifier: str


def metadata(provider: IdentityProvider) -> dict[str, Any]:
    """The provider's discovery document. Raises LoginFailed when it has none or it is another issuer's."""
    now = time.monotonic()
    found = _documents.get(provider.issuer)
    if found is not None and now - found[0] < REMEMBERED:
        return found[1]
    document = _asked("GET", f"{provider.issuer.rstrip('/')}/.well-known/openid-configuration")
    if document.get("issuer") != provider.issuer:
        raise LoginFailed(f"The provider calls itself {str(document.get('issuer'))[:200]!r}, not {provider.issuer!r}.")
    for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
        _endpoint(document, name)
    if len(_documents) >= MOST_REMEMBERED:
        _documents.clear()
    _documents[provider.issuer] = (now, document)
    return document


def depart(provider: IdentityProvider, redirect_uri: str) -> Departure:
    """The authorization request. Raises LoginFailed."""
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    query = {
        "response_type": "code", "client_id": provider.client_id, "redirect_uri": redirect_uri, "scope": provider.scopes,
        "state": state, "nonce": nonce, "code_challenge": challenge, "code_challenge_method": "S256",
    }  # fmt: skip
    endpoint = _endpoint(metadata(provider), "authorization_endpoint")
    return Departure(f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(query)}", state, nonce, verifier)


def check_issuer(provider: IdentityProvider, given: str | None) -> None:
    """The `iss` of the answer (RFC 9207), so that one provider cannot pass for another. Raises LoginFailed."""
    promised = metadata(provider).get("authorization_response_iss_parameter_supported") is True
    if (promised or given is not None) and given != provider.issuer:
        raise LoginFailed("The answer is another provider's.")


def claims(provider: IdentityProvider, code: str, verifier: str, nonce: str, redirect_uri: str) -> dict[str, Any]:
    """What the provider says of the person: the code for an ID token, which is checked. Raises LoginFailed."""
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri, "code_verifier": verifier}
    document = metadata(provider)
    headers = {}
    if not provider.sealed_secret:
        form["client_id"] = provider.client_id
    elif "client_secret_basic" in document.get("token_endpoint_auth_methods_supported", ["client_secret_basic"]):
        pair = f"{quote_plus(provider.client_id)}:{quote_plus(unseal(provider.sealed_secret))}"
        headers["authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
    else:
        form |= {"client_id": provider.client_id, "client_secret": unseal(provider.sealed_secret)}
    answer = _asked("POST", _endpoint(document, "token_endpoint"), headers=headers, form=form)
    keys = _asked("GET", _endpoint(document, "jwks_uri"))
    found = read(str(answer.get("id_token") or ""), keys, provider, nonce)
    return {**_more(document, str(answer.get("access_token") or ""), found["sub"]), **found}


def _more(document: dict[str, Any], token: str, subject: str) -> dict[str, Any]:
    """What the user info endpoint adds; many providers keep e-mail and groups out of the ID token. Raises LoginFailed."""
    if "userinfo_endpoint" not in document or not token:
        return {}
    headers = {"authorization": f"Bearer {token}"}
    found = _asked("GET", _endpoint(document, "userinfo_endpoint"), headers=headers)
    if found.get("sub") != subject:
        raise LoginFailed("The user info is somebody else's.")
    return found


def read(token: str, keys: dict[str, Any], provider: IdentityProvider, nonce: str) -> dict[str, Any]:
    """The claims of an ID token for us (OpenID Connect Core 3.1.3.7). Raises LoginFailed naming the check that failed."""
    if not token or len(token) > LONGEST:
        raise LoginFailed("The provider sent no ID token.")
    try:
        found = jwt.decode(token, KeySet.import_key_set(keys), algorithms=ALGORITHMS).claims
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise LoginFailed("The signature of the ID token is not right.") from error
    audience = found.get("aud")
    named = audience if isinstance(audience, list) else [audience]
    now, ends, made = time.time(), found.get("exp"), found.get("iat")
    wrong = {
        "issuer": found.get("iss") != provider.issuer,
        "audience": provider.client_id not in named,
        "authorized party": (len(named) > 1 or "azp" in found) and found.get("azp") != provider.client_id,
        "end": not _number(ends) or ends <= now - LEEWAY,
        "time": not _number(made) or made > now + LEEWAY,
        "nonce": found.get("nonce") != nonce,
        "subject": not isinstance(found.get("sub"), str) or not 0 < len(found["sub"]) <= 255,
    }
    failed = [name for name, is_wrong in wrong.items() if is_wrong]
    if failed:
        raise LoginFailed(f"The {failed[0]} of the ID token is not right.")
    return dict(found)


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _endpoint(document: dict[str, Any], name: str) -> str:
    try:
        outbound.checked(str(document.get(name) or ""))
    except outbound.Unreachable as error:
        raise LoginFailed(f"The provider's {name} is not usable.") from error
    return str(document[name])


def _asked(method: str, url: str, **more: Any) -> dict[str, Any]:
    try:
        answer = outbound.call(method, url, **more)
        if answer.status != 200:
            raise LoginFailed(f"The provider answered {answer.status} at {answer.address}{_reason(answer.body)}.")
        return answer.json()
    except outbound.Unreachable as error:
        raise LoginFailed(f"The provider cannot be asked: {error}") from error


def _reason(body: bytes) -> str:
    try:
        return f": {str(json.loads(body)['error'])[:100]}"
    except (ValueError, KeyError, TypeError):
        return ""
