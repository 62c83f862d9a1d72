"""Writes on an application's OAuth keys: generate, map an existing client, change, renew the secret, delete, test tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib.auth.hashers import check_password
from django.db import IntegrityError, transaction

from apim.accounts import audit
from apim.accounts.models import User
from apim.errors import Conflict, FieldError, Invalid, NotFound
from apim.keymanager.actions import clients, remote_clients, tokens
from apim.keymanager.actions.exchange import exchange_test_token
from apim.keymanager.errors import NotClientOwner
from apim.keymanager.grants import EXCHANGE
from apim.keymanager.models import RESIDENT, KeyManager, OAuthClient, RemoteClient
from apim.keymanager.queries import key_managers
from apim.workflows.actions.tasks import withdraw
from apim.workflows.models import Kind
from apim.workflows.queries import executor
from portal import approvals, queries
from portal.actions import remote_keys
from portal.actions.locks import locked_application
from portal.errors import KeysExist
from portal.models import Application, ApplicationKey, KeyMode, KeyState, KeyType
from portal.permissions import require_approved, require_use
from portal.records import publish_key


def generate_keys(
    *,
    by: User,
    application: Application,
    key_type: str,
    grant_types: list[str] | tuple[str, ...],
    callback_url: str = "",
    token_lifetime: int | None = None,
    key_manager: str = RESIDENT,
) -> tuple[ApplicationKey, str]:
    """Make an OAuth client for `application` and return its key with the secret, which is never shown again.

    `token_lifetime` is in seconds; None means the platform's. Raises Invalid naming the field, KeysExist, NotFound.
    Where somebody must approve it, the key has the state CREATED, and neither client nor secret, until then.
    At a key manager elsewhere the client is registered there, with no lock held here meanwhile.
    """
    request = {"grant_types": list(grant_types), "callback_url": callback_url, "token_lifetime": token_lifetime}
    key, secret = _prepare(by, application, key_manager, key_type, request)
    if secret is None:
        return remote_keys.generate(key, lambda made: _told(by, "key.generate", made))
    return key, secret


@transaction.atomic
def _prepare(
    by: User, application: Application, key_manager: str, key_type: str, request: dict[str, Any]
) -> tuple[ApplicationKey, str | None]:
    """The key with its secret, empty while it waits; None when its client is still to be made elsewhere."""
    application = locked_application(application)
    require_use(by, application)
    require_approved(application)
    manager = _key_manager(by, application, key_manager)
    _check_free(application, manager, key_type)
    key = ApplicationKey(
        application=application, key_manager=manager, key_type=key_type, state=KeyState.CREATED, request=request
    )
    if _asked(by, key):
        return key, ""
    if remote_clients.elsewhere(manager):
        return key, None
    client, secret = _client_for(by, key)
    return _tie(by, "key.generate", application, manager, client, key_type, KeyMode.CREATED), secret


def complete(by: User, key: ApplicationKey, remote: RemoteClient | None = None) -> None:
    """Make the client of a key that was approved, or take the `remote` one that was made at its key manager elsewhere.

    Its secret is known to nobody: the owner makes a new one.
    """
    if remote is not None:
        remote_keys.complete(key, remote, lambda made: _told(by, "key.generate", made))
        return
    client, _ = _client_for(by, key)
    key.client, key.consumer_key, key.state = client, client.client_id, KeyState.APPROVED
    key.save(update_fields=["client", "consumer_key", "state"])
    audit.record(by, "key.generate", key.application, after=_values(key))
    publish_key(key)


def _asked(by: User, key: ApplicationKey) -> bool:
    """Whether the key waits for a decision now. It is stored then, without a client."""
    application = key.application
    kind = Kind.PRODUCTION_KEY if key.key_type == KeyType.PRODUCTION else Kind.SANDBOX_KEY
    if executor(application.organisation, kind) is None:
        return False
    request = key.request
    if remote_clients.elsewhere(key.key_manager):
        remote_clients.check(key.key_manager, request["grant_types"], request["callback_url"])
    else:
        clients.check(request["grant_types"], request["callback_url"], request["token_lifetime"], key.key_type)
    _save(key)
    audit.record(by, "key.request", application, after=_values(key))
    return approvals.registration(by, key) is not None


def _client_for(by: User, key: ApplicationKey) -> tuple[OAuthClient, str]:
    """A client of our own. For a key manager whose tokens are exchanged it may do just that."""
    application, request = key.application, key.request
    exchange = [] if key.key_manager.resident else [EXCHANGE]
    return clients.create_client(
        by=by,
        organisation=application.organisation,
        name=f"{application.owner.get_username()}_{application.name}_{key.key_type}",
        grant_types=list(dict.fromkeys([*request["grant_types"], *exchange])),
        key_type=key.key_type,
        callback_url=request["callback_url"],
        token_lifetime=request["token_lifetime"],
        owner=application.owner,
        vouched=True,
    )


def map_keys(
    *,
    by: User,
    application: Application,
    key_type: str,
    consumer_key: str,
    consumer_secret: str,
    key_manager: str = RESIDENT,
) -> ApplicationKey:
    """Tie an existing OAuth client, ours or at a key manager elsewhere. Knowing its secret shows that it is the caller's.

    Raises Invalid for a client that is unknown or a wrong secret (which of the two is not said), Conflict when the
    client serves another application, KeysExist, NotFound.
    """
    manager = _admitted(by, application, key_manager, key_type)
    if remote_clients.elsewhere(manager):
        key = ApplicationKey(application=application, key_manager=manager, key_type=key_type)
        tie: remote_keys.Tie = lambda made: _told(by, "key.map", made)  # noqa: E731 - a type for the argument
        return remote_keys.map_existing(by, key, consumer_key, consumer_secret, tie)
    return _map_here(by, application, manager, key_type, consumer_key, consumer_secret)


@transaction.atomic
def _admitted(by: User, application: Application, key_manager: str, key_type: str) -> KeyManager:
    """The key manager, when `by` may have a key of `application` there. Raises Invalid, KeysExist, NotFound."""
    application = locked_application(application)
    require_use(by, application)
    require_approved(application)
    manager = _key_manager(by, application, key_manager)
    _check_free(application, manager, key_type)
    return manager


@transaction.atomic
def _map_here(
    by: User, application: Application, manager: KeyManager, key_type: str, consumer_key: str, consumer_secret: str
) -> ApplicationKey:
    application = locked_application(application)
    _check_free(application, manager, key_type)
    client = OAuthClient.objects.filter(organisation=application.organisation, client_id=consumer_key).first()
    if client is None or client.is_management or not check_password(consumer_secret, client.client_secret):
        wrong = FieldError("consumerKey", "no OAuth client of this organisation has this key and secret")
        raise Invalid("There is no such OAuth client.", [wrong])
    if ApplicationKey.objects.filter(client=client).exists():
        raise Conflict(f"The OAuth client {consumer_key} belongs to an application already.")
    return _tie(by, "key.map", application, manager, client, key_type, KeyMode.MAPPED)


def update_keys(
    *,
    by: User,
    key: ApplicationKey,
    grant_types: list[str] | tuple[str, ...],
    callback_url: str = "",
    token_lifetime: int | None = None,
) -> ApplicationKey:
    """Change what the OAuth client of `key` may do. Raises Invalid naming the field, NotFound."""
    require_use(by, key.application)
    if key.client is None and key.state == KeyState.APPROVED:
        remote_clients.update(remote_keys.client_of(key), grant_types, callback_url)
        audit.record(by, "key.update", key.application, after=_values(key))
        return key
    return _update_here(by, key, grant_types, callback_url, token_lifetime)


@transaction.atomic
def _update_here(
    by: User, key: ApplicationKey, grant_types: Sequence[str], callback_url: str, token_lifetime: int | None
) -> ApplicationKey:
    clients.update_client(
        by=by,
        client=_client(key),
        grant_types=list(grant_types),
        callback_url=callback_url,
        token_lifetime=token_lifetime,
    )
    audit.record(by, "key.update", key.application, after=_values(key))
    return key


def regenerate_secret(*, by: User, key: ApplicationKey) -> str:
    """Replace the consumer secret and return the new one, which is never shown again. Raises NotFound."""
    require_use(by, key.application)
    if key.client is None and key.state == KeyState.APPROVED:
        secret = remote_clients.renew_secret(remote_keys.client_of(key))
        audit.record(by, "key.regenerate_secret", key.application, after=_values(key))
        return secret
    return _regenerate_here(by, key)


@transaction.atomic
def _regenerate_here(by: User, key: ApplicationKey) -> str:
    secret = clients.regenerate_secret(by=by, client=_client(key))
    if key.request:
        key.request = {}
        key.save(update_fields=["request"])
    audit.record(by, "key.regenerate_secret", key.application, after=_values(key))
    return secret


@transaction.atomic
def delete_keys(*, by: User, key: ApplicationKey) -> None:
    """Remove a key; a generated OAuth client goes with it, a mapped one stays where it came from. Raises NotFound."""
    # In one queue with whoever decides on the key: a client that an approval makes meanwhile must go with it.
    application = locked_application(key.application)
    require_use(by, application)
    found = queries.keys(application).filter(pk=key.pk).first()
    if found is None:
        raise NotFound(f"There is no key {key.pk}.")
    key = found
    audit.record(by, "key.delete", key.application, before=_values(key))
    withdraw(by=by, subject=key)
    if key.consumer_key:
        publish_key(key, deleted=True)
    client, mode, remote = key.client, key.mode, remote_keys.find(key)
    key.delete()
    if remote is not None:
        remote_clients.forget(remote)
    if client is not None and mode == KeyMode.CREATED:
        clients.delete_client(by=by, client=client)


def issue_test_token(
    *,
    by: User,
    key: ApplicationKey,
    scopes: tuple[str, ...] = (),
    lifetime: int | None = None,
    consumer_secret: str = "",
    subject_token: str = "",
) -> dict[str, Any]:
    """An access token for trying out, `lifetime` in seconds. Raises Invalid, NotFound.

    A key manager elsewhere is asked for one, which takes the `consumer_secret`, and gives it the lifetime that it likes. With
    `subject_token`, a token of a key manager whose tokens are exchanged, ours stands for its subject.
    """
    require_use(by, key.application)
    if key.client is None and key.state == KeyState.APPROVED:
        issued = remote_clients.test_token(remote_keys.client_of(key), consumer_secret, scopes)
        audit.record(by, "key.test_token", key.application, after=_values(key))
        return issued
    if subject_token:
        return exchange_test_token(
            by=by, client=_client(key), subject_token=subject_token, scopes=scopes, lifetime=lifetime
        )
    return tokens.issue_test_token(by=by, client=_client(key), scopes=scopes, lifetime=lifetime)


def first_token(*, by: User, key: ApplicationKey, scopes: tuple[str, ...] = ()) -> dict[str, Any] | None:
    """The access token that comes with a new key of ours, for clients that look for it there.

    None where the key waits for approval, may not ask for tokens by itself, or is somebody else's client.
    """
    client = key.client
    if client is None or key.state != KeyState.APPROVED or "client_credentials" not in client.grant_types:
        return None
    try:
        return tokens.issue_test_token(by=by, client=client, scopes=scopes)
    except NotClientOwner:
        return None


def _key_manager(by: User, application: Application, name: str) -> KeyManager:
    """By its name, as the contract has it, or by its id."""
    managers = key_managers(by, application.organisation)
    found = {manager.name: manager for manager in managers}
    by_id = next((manager for manager in managers if str(manager.pk) == name), None)
    if by_id is not None:
        return by_id
    if name not in found:
        known = ", ".join(found) or "nothing"
        raise Invalid("There is no such key manager.", [FieldError("keyManager", f"{name!r} is not one of: {known}")])
    return found[name]


def _check_free(application: Application, manager: KeyManager, key_type: str) -> None:
    if key_type not in KeyType.values:
        wrong = FieldError("keyType", f"{key_type!r} is not one of: {', '.join(KeyType.values)}")
        raise Invalid("There is no such key type.", [wrong])
    if application.keys.filter(key_manager=manager, key_type=key_type).exists():
        raise KeysExist(application, key_type)


def _tie(
    by: User,
    action: str,
    application: Application,
    manager: KeyManager,
    client: OAuthClient,
    key_type: str,
    mode: KeyMode,
) -> ApplicationKey:
    key = ApplicationKey(
        application=application,
        key_manager=manager,
        key_type=key_type,
        client=client,
        consumer_key=client.client_id,
        mode=mode,
    )
    return _told(by, action, key)


def _told(by: User, action: str, key: ApplicationKey) -> ApplicationKey:
    """Store a key with its client, note it, and tell gateways."""
    _save(key)
    audit.record(by, action, key.application, after=_values(key))
    publish_key(key)
    return key


def _save(key: ApplicationKey) -> None:
    try:
        with transaction.atomic():
            key.save()
    except IntegrityError as error:
        raise KeysExist(key.application, key.key_type) from error


def _client(key: ApplicationKey) -> OAuthClient:
    if key.state != KeyState.APPROVED:
        raise Conflict(f"The {key.key_type.lower()} keys are not approved: {key.get_state_display().lower()}.")
    if key.client is None:
        raise Conflict(f"The client {key.consumer_key} lives at {key.key_manager}: change it there.")
    return key.client


def _values(key: ApplicationKey) -> dict[str, Any]:
    grants = remote_keys.settings_of(key)["grant_types"]
    return {
        "consumer_key": key.consumer_key,
        "key_type": key.key_type,
        "state": str(key.state),
        "mode": key.mode,
        "grant_types": grants,
    }
