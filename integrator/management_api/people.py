"""/users and /roles: administrators manage them; everybody may see himself and change his own password."""

from __future__ import annotations

from typing import Any

from integrator.management_api.answers import Call, Refusal, listed, text_of
from integrator.management_api.userstore import Known

PRIMARY = ("", "PRIMARY")
"""The one domain there is; stores of other domains are not."""


async def users(call: Call) -> dict[str, Any]:
    """All users, or those whose name fits `pattern` (`*` for any text) or who have `role`."""
    pattern, role = call.query.get("pattern", ""), call.query.get("role", "")
    found = [one for one in _store(call).all(call.deployment.config).values() if not role or role in one.roles]
    items = [{"userId": one.name} for one in found if _fits(one.name, pattern)]
    return listed(items, call.query, "userId")


def _fits(name: str, pattern: str) -> bool:
    if not pattern:
        return True
    pieces = pattern.lower().split("*")
    name, last = name.lower(), pieces[-1]
    if len(pieces) == 1:
        return pieces[0] in name
    if not name.startswith(pieces[0]) or not name.endswith(last) or len(name) < len(pieces[0]) + len(last):
        return False
    place, end = len(pieces[0]), len(name) - len(last)
    for piece in pieces[1:-1]:
        at = name.find(piece, place, end)
        if at < 0:
            return False
        place = at + len(piece)
    return True


async def add_user(call: Call) -> dict[str, Any]:
    """A new user."""
    body = await call.json()
    name, password = text_of(body, "userId"), text_of(body, "password")
    _domain(body.get("domain"))
    admin = body.get("isAdmin", False) in (True, "true")
    await call.management.run(_store(call).add, call.deployment.config, name, password, admin)
    call.audit("created", "user", {"userId": name, "isAdmin": admin})
    return {"userId": name, "status": "Added"}


async def user(call: Call) -> dict[str, Any]:
    """One user."""
    found = _known(call)
    return {"userId": found.name, "userid": found.name, "isAdmin": found.admin, "roles": list(found.roles)}


async def change_password(call: Call) -> dict[str, Any]:
    """Another password: of oneself with the old one, or by an administrator of somebody who is none."""
    found, body = _known(call), await call.json()
    new = text_of(body, "newPassword")
    if new != body.get("confirmPassword"):
        raise Refusal(400, "field 'confirmPassword': it differs from newPassword")
    own = call.user == found.name
    if not own and (not call.admin or found.admin):
        raise Refusal(403, "Only the own password and, by administrators, those of other users can be changed.")
    store, config = _store(call), call.deployment.config
    if own and not await call.management.run(
        store.is_password, config, found.name, str(body.get("oldPassword") or "")[:200]
    ):
        raise Refusal(403, "field 'oldPassword': it is not the present password")
    await call.management.run(store.set_password, found.name, new)
    call.management.tokens.revoke_user(found.name, but=call.token)  # whoever knew the old password is out
    call.audit("updated", "user", {"userId": found.name})
    return {"userId": found.name, "status": "Password updated"}


async def remove_user(call: Call) -> dict[str, Any]:
    """Remove a user; nobody removes himself."""
    found = _known(call)
    if found.name == call.user:
        raise Refusal(400, "The user who is logged in cannot be removed.")
    _store(call).remove(found.name)
    call.management.tokens.revoke_user(found.name)
    call.audit("deleted", "user", {"userId": found.name})
    return {"userId": found.name, "status": "Deleted"}


async def roles(call: Call) -> dict[str, Any]:
    """All roles."""
    return listed([{"role": role} for role in _store(call).known_roles()], call.query, "role")


async def add_role(call: Call) -> dict[str, Any]:
    """A new role."""
    body = await call.json()
    role = text_of(body, "role")
    _domain(body.get("domain"))
    _store(call).add_role(role)
    call.audit("created", "role", {"role": role})
    return {"role": role, "status": "Added"}


async def assign_roles(call: Call) -> dict[str, Any]:
    """Give a user roles and take some."""
    body = await call.json()
    name = text_of(body, "userId")
    _domain(body.get("domain"))
    _store(call).assign(name, _names(body, "addedRoles"), _names(body, "removedRoles"))
    call.management.tokens.revoke_user(name)  # a token holds what its user might do when it was given
    call.audit("updated", "role", {"userId": name})
    return {"userId": name, "status": "Added/removed the roles"}


async def role(call: Call) -> dict[str, Any]:
    """One role with its users."""
    if call.rest not in _store(call).known_roles():
        raise Refusal(404, f"The role {call.rest!r} does not exist.")
    everybody = _store(call).all(call.deployment.config).values()
    return {"role": call.rest, "users": [one.name for one in everybody if call.rest in one.roles]}


async def remove_role(call: Call) -> dict[str, Any]:
    """Remove a role."""
    _domain(call.query.get("domain"))
    _store(call).remove_role(call.rest)
    call.audit("deleted", "role", {"role": call.rest})
    return {"role": call.rest, "status": "Deleted"}


def _store(call: Call) -> Any:
    return call.management.store


def _known(call: Call) -> Known:
    _domain(call.query.get("domain"))
    if not call.admin and call.rest != call.user:
        raise Refusal(403, "Only administrators see other users.")
    found = _store(call).get(call.deployment.config, call.rest)
    if not isinstance(found, Known):
        raise Refusal(404, f"The user {call.rest!r} does not exist.")
    return found


def _domain(given: object) -> None:
    if str(given or "").upper() not in PRIMARY:
        raise Refusal(400, f"domain {given!r}: allowed is PRIMARY; other user stores are not there")


def _names(body: dict[str, Any], field: str) -> list[str]:
    found = body.get(field) or []
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise Refusal(400, f"field {field!r}: a list of names is expected")
    return found
