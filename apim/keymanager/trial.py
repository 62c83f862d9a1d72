"""Why a token passes or fails, step by step, as a gateway would see it. The token itself is kept and logged nowhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from apim.accounts.models import Organisation
from apim.keymanager.models import KeyManager, RevokedToken
from apim.keymanager.verification import ManagerVerifier, introspect
from gateway.tokens.jwt import TOKEN_LIMIT, Rejected, Token, UnknownKey, check_signature, expiry, words
from gateway.tokens.verifier import TOKEN_TYPES

State = Literal["pass", "fail", "info"]


@dataclass(frozen=True)
class Step:
    """One question and its answer. After a `fail` nothing more can be said of the token."""

    title: str
    state: State
    text: str
    rows: tuple[tuple[str, str], ...] = ()


@dataclass
class Trial:
    """What was found out. `manager`, `client_id`, `scopes` and `audiences` are known once the token itself has passed."""

    organisation: Organisation
    steps: list[Step] = field(default_factory=list)
    header: dict[str, Any] = field(default_factory=dict)
    claims: dict[str, Any] = field(default_factory=dict)
    manager: KeyManager | None = None
    client_id: str = ""
    scopes: frozenset[str] = frozenset()
    audiences: frozenset[str] = frozenset()

    @property
    def passed(self) -> bool:
        """Whether no step failed."""
        return all(step.state != "fail" for step in self.steps)


class Failed(Exception):
    """A step that failed ends the trial."""

    def __init__(self, title: str, text: str, *rows: tuple[str, str]) -> None:
        super().__init__(text)
        self.step = Step(title, "fail", text, rows)


Continue = Callable[[Trial, str, str], Iterator[Step]]
"""Goes on with a token that has passed: the trial, an API's id and an environment's name, each empty for none."""

Choices = Callable[[Organisation], tuple[list[tuple[str, str]], list[tuple[str, str]]]]
"""APIs and environments that can be chosen: values with their names for people."""


def try_token(
    organisation: Organisation, token: str, go_on: Continue | None, api: str = "", environment: str = ""
) -> Trial:
    """Every step a gateway takes with `token`, up to the first that fails; `go_on` knows applications and subscriptions."""
    trial = Trial(organisation)
    token = token.strip().removeprefix("Bearer ").strip()
    try:
        _take(trial, token)
    except Failed as failed:
        trial.steps.append(failed.step)
    else:
        if go_on is not None:
            trial.steps += list(go_on(trial, api, environment))
    return trial


def _take(trial: Trial, token: str) -> None:
    """Steps are noted as they are taken, so that those before a failure are shown. Raises Failed."""
    if not token or len(token) > TOKEN_LIMIT or not token.isascii():
        raise Failed("Form", f"A token has 1 to {TOKEN_LIMIT} ASCII characters; this has {len(token)}.")
    if token.count(".") != 2:
        trial.steps.append(
            Step("Form", "info", "An opaque token: it says nothing by itself, its issuer has to be asked.")
        )
        _ask(trial, _askable(trial.organisation, token), token)
    else:
        _check_jwt(trial, token)


def _check_jwt(trial: Trial, token: str) -> None:
    try:
        parsed = Token(token.encode())
    except Rejected as error:
        raise Failed(
            "Form",
            "It has three parts, but not header and claims as base64url JSON objects and a base64url signature: was it cut?",
        ) from error
    trial.header, trial.claims = parsed.header, parsed.claims
    trial.steps.append(Step("Form", "pass", "A signed JWT; header and claims are shown below."))
    _check_type(trial, parsed)
    verifiers = _of_issuer(trial, parsed, token)
    asked = [one for one in verifiers if one.introspects_all]
    if asked:
        trial.steps.append(Step("Signature", "info", "Not checked by keys: the key manager is set up to be asked."))
        _ask(trial, asked, token)
        return
    verifier = _signed(trial, parsed, verifiers)
    _check_times(trial, verifier, parsed.claims)
    _check_claims(trial, verifier, parsed.claims)


def _check_type(trial: Trial, parsed: Token) -> None:
    if parsed.type in ("apikey+jwt", "internal+jwt"):
        kind = "API key, sent in the header `apikey`" if parsed.type == "apikey+jwt" else "test key of the publisher"
        raise Failed("Kind", f"This is no access token but an {kind}.")
    if parsed.type not in TOKEN_TYPES:
        raise Failed(
            "Kind", f"typ {parsed.header.get('typ')!r} is not an access token's: {', '.join(sorted(TOKEN_TYPES))}."
        )
    trial.steps.append(Step("Kind", "pass", f"typ {parsed.header.get('typ', 'absent')} is one of access tokens."))


def _of_issuer(trial: Trial, parsed: Token, token: str) -> list[ManagerVerifier]:
    """The key managers that the token may be of. Raises Failed."""
    named = parsed.claims.get("iss")
    rows = KeyManager.objects.filter(organisation=trial.organisation).select_related("organisation")
    found = [row for row in rows if row.issuer == named]
    if not found:
        known = tuple((row.label, row.issuer or "– (asked only)") for row in rows)
        raise Failed(
            "Issuer", f"No key manager has the issuer {named!r}. It must be the same text, slashes included.", *known
        )
    if not any(row.enabled for row in found):
        raise Failed("Issuer", f"{found[0].label} is switched off.")
    direct = [row for row in found if row.enabled and row.token_type != "EXCHANGED"]  # noqa: S105 - a kind
    if not direct:
        raise Failed(
            "Issuer", f"Tokens of {found[0].label} are taken only by the token endpoint, to be exchanged for ours."
        )
    verifiers = [_verifier(row) for row in direct]
    fitting = [one for one in verifiers if one.takes(token.encode(), parsed)]
    if not fitting:
        raise Failed("Issuer", f"{direct[0].label} has the issuer, but none of its token patterns fits.")
    names = ", ".join(one.manager.label for one in fitting)
    trial.steps.append(Step("Issuer", "pass", f"{named} is {names}."))
    return fitting


def _verifier(row: KeyManager) -> ManagerVerifier:
    try:
        return ManagerVerifier(row)
    except ValueError as error:
        raise Failed("Issuer", f"{row.label} cannot be used: {error}.") from error


def _signed(trial: Trial, parsed: Token, verifiers: list[ManagerVerifier]) -> ManagerVerifier:
    kid, algorithm = parsed.header.get("kid"), parsed.header.get("alg")
    reason: Failed | None = None
    for verifier in verifiers:
        try:
            check_signature(parsed, verifier)
        except UnknownKey as error:
            where = verifier.record.jwks_url or "the keys entered for it"
            text = verifier.trouble or f"Neither {where} nor anything else has a key {kid!r}."
            reason = Failed("Key", text)
            reason.__cause__ = error
        except Rejected as error:
            reason = reason or Failed("Signature", f"{str(error)[:1].upper()}{str(error)[1:]}.")
        else:
            trial.steps.append(Step("Key", "pass", f"kid {kid or 'absent'}: the issuer's key was found."))
            trial.steps.append(Step("Signature", "pass", f"{algorithm}: {verifier.manager.label} signed it."))
            return verifier
    raise reason or Failed("Signature", "Nobody can check it.")


def _check_times(trial: Trial, verifier: ManagerVerifier, claims: dict[str, Any]) -> None:
    rows = tuple((name, _moment(claims.get(name))) for name in ("iat", "nbf", "exp") if name in claims)
    try:
        ends = expiry(claims, verifier.record.leeway_seconds, time.time())
    except Rejected as error:
        raise Failed(
            "Time", f"{str(error)[:1].upper()}{str(error)[1:]}.", ("now", _moment(time.time())), *rows
        ) from error
    left = int(ends - time.time())
    trial.steps.append(Step("Time", "pass", f"Valid for {left} seconds more.", rows))


def _check_claims(trial: Trial, verifier: ManagerVerifier, claims: dict[str, Any]) -> None:
    """Revocation, audience, consumer key and scopes; then the trial knows whose token it is."""
    if RevokedToken.objects.filter(jti=str(claims.get("jti", ""))[:80].replace("\0", "")).exists():
        raise Failed("Revocation", "The token was revoked.")
    trial.steps.append(Step("Revocation", "pass", "It was not revoked here."))
    rules = verifier.record
    try:
        verifier.check_audience(claims)
    except Rejected as error:
        raise Failed("Audience", f"The {error}.") from error
    if rules.audience:
        trial.steps.append(Step("Audience", "pass", f"It names {rules.audience}."))
    try:
        client = verifier.client_of(claims)
    except Rejected as error:
        text = f"The claim {rules.client_claim!r} should hold the OAuth client, and is missing or empty."
        raise Failed("Consumer key", text, ("claims", ", ".join(sorted(claims)))) from error
    trial.steps.append(Step("Consumer key", "pass", f"{rules.client_claim} is {client}."))
    trial.manager, trial.client_id, trial.claims = verifier.manager, client, verifier.mapped(claims)
    trial.scopes, trial.audiences = verifier.scopes_of(claims), words(claims.get("aud"))
    mapped = tuple(pair for pair in rules.claim_mapping if pair[0] in claims)
    if mapped:
        trial.steps.append(Step("Claim mapping", "info", "Claims that have other names here:", mapped))


def _askable(organisation: Organisation, token: str) -> list[ManagerVerifier]:
    rows = KeyManager.objects.filter(organisation=organisation, enabled=True).exclude(introspection_url="")
    found = [_verifier(row) for row in rows.select_related("organisation") if row.token_type != "EXCHANGED"]  # noqa: S105
    fitting = [one for one in found if one.takes(token.encode(), None)]
    if not fitting:
        raise Failed("Issuer", "No key manager that is switched on can be asked about a token like this one.")
    return fitting


def _ask(trial: Trial, verifiers: list[ManagerVerifier], token: str) -> None:
    rows: list[tuple[str, str]] = []
    for verifier in verifiers:
        try:
            claims = introspect(verifier, token)
        except Rejected as error:
            rows.append((verifier.manager.label, str(error)))
            continue
        trial.claims = claims
        trial.steps.append(Step("Introspection", "pass", f"{verifier.manager.label} says that it is active."))
        if claims.get("exp") is not None:
            _check_times(trial, verifier, claims)
        claims.setdefault(verifier.record.client_claim, claims.get("client_id"))
        _check_claims(trial, verifier, claims)
        return
    raise Failed("Introspection", "Nobody says that it is active.", *rows)


def _moment(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 2**37:
        return str(value)
    return f"{datetime.fromtimestamp(value, UTC):%Y-%m-%d %H:%M:%S} UTC"
