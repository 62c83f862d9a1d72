"""Users, roles and tokens: administrators manage, passwords are hashes, everybody else sees himself."""

from __future__ import annotations

import asyncio
import base64
import json
from pathlib import Path

import pytest

from integrator.management_api import api, auth, userstore
from integrator.management_api.answers import Refusal
from integrator.management_api.userstore import UserStore
from tests.integrator.coverage import covers
from tests.integrator.management.world import address, log_in, managed

NEW = {"userId": "carl", "password": "first-word", "isAdmin": False}


@covers("mgmt.users", "mgmt.users.id", "mgmt.roles", "mgmt.roles.role")
async def test_life_of_a_user(tmp_path: Path) -> None:
    """Added, found, given a role, logged in, password changed, removed; the file holds no password and survives."""
    async with managed(tmp_path) as ann:
        assert await ann.call("POST", "/users", NEW) == (200, {"userId": "carl", "status": "Added"})
        assert (await ann.call("POST", "/users", NEW))[0] == 409
        assert (await ann.call("POST", "/users", NEW | {"userId": "x y"}))[0] == 400
        assert (await ann.call("POST", "/users", NEW | {"userId": "dan", "password": "abc"}))[0] == 400
        assert (await ann.call("POST", "/users", NEW | {"userId": "dan", "domain": "LDAP.COM"}))[0] == 400
        assert await ann.get("/users?pattern=c*l") == {"count": 1, "list": [{"userId": "carl"}]}
        assert [one["userId"] for one in (await ann.get("/users?role=admin"))["list"]] == ["ann"]
        await ann.call("POST", "/roles", {"role": "tester"})
        status, _ = await ann.call("PUT", "/roles", {"userId": "carl", "addedRoles": ["tester"]})
        assert status == 200 and (await ann.get("/roles/tester"))["users"] == ["carl"]
        assert (await ann.call("PUT", "/roles", {"userId": "carl", "addedRoles": ["nothing"]}))[0] == 404
        assert (await ann.call("PUT", "/roles", {"userId": "bob", "addedRoles": ["admin"]}))[0] == 404
        carl = await log_in(ann.running, "carl", "first-word")
        assert (await carl.get("/users/carl"))["roles"] == ["tester", "Internal/everyone"]
        change = {"newPassword": "second-word", "confirmPassword": "second-word", "oldPassword": "wrong"}
        assert (await carl.call("PATCH", "/users/carl", change))[0] == 403
        other = await log_in(ann.running, "carl", "first-word")
        assert (await carl.call("PATCH", "/users/carl", change | {"oldPassword": "first-word"}))[0] == 200
        assert (await other.call("GET", "/users/carl"))[0] == 401, "logged in with the old password"
        assert (await carl.call("GET", "/users/carl"))[0] == 200
        held = (ann.running.settings.secrets / userstore.FILE).read_text()
        assert "word" not in held and json.loads(held)["users"][0]["name"] == "carl"
    async with managed(tmp_path / "again") as ann:
        folder = ann.running.settings.secrets
        (folder / userstore.FILE).write_text(held)
        ann.running.service.management.store = UserStore(folder)
        await log_in(ann.running, "carl", "second-word")
        assert (await ann.call("DELETE", "/users/carl"))[0] == 200
        assert (await ann.call("DELETE", "/users/ann"))[0] == 400
        assert (await ann.call("GET", "/users/carl"))[0] == 404


@covers("mgmt.auth", "mgmt.logout")
async def test_who_may_what(tmp_path: Path) -> None:
    """Others than administrators read and switch artifacts, see themselves, and are refused the rest."""
    async with managed(tmp_path) as ann:
        bob = await log_in(ann.running, "bob", "secret2")
        assert (await bob.get("/users/bob"))["isAdmin"] is False
        assert (await bob.call("POST", "/apis", {"name": "shop", "trace": "enable"}))[0] == 200
        for method, path, body in (
            ("GET", "/users", None),
            ("GET", "/users/ann", None),
            ("POST", "/users", NEW),
            ("GET", "/roles", None),
            ("PATCH", "/logging", {"loggerName": "rootLogger", "loggingLevel": "DEBUG"}),
            ("PUT", "/configs", {"configName": "correlation", "configs": {"enabled": True}}),
            ("POST", "/applications", b""),
            ("DELETE", "/applications/App", None),
            ("POST", "/registry-resources/content?path=registry/config/x&mediaType=text/plain", b""),
            ("PATCH", "/users/ann", {"newPassword": "abcdefg", "confirmPassword": "abcdefg"}),
        ):
            assert (await bob.call(method, path, body))[0] == 403, path
        scope = json.loads(base64.urlsafe_b64decode(bob.token.split(".")[1] + "=="))["scope"]
        assert scope == "default"
        await bob.call("GET", "/logout")
        assert (await bob.call("GET", "/apis"))[0] == 401
        forged = await ann.running.request(
            address(ann.running, "/apis"), headers={"authorization": f"Bearer {ann.token[:-3]}abc"}
        )
        assert forged.status == 401


@covers("mgmt.auth")
def test_tokens_are_bounded_and_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """At most 200, the oldest dropped; none outlives its hour."""
    tokens = auth.Tokens()
    given = [tokens.issue("ann", True) for _ in range(auth.MAX_TOKENS + 1)]
    assert tokens.holder(given[0]) is None and tokens.holder(given[1]) is not None
    now = auth.time.monotonic() + auth.LIFETIME_S + 1
    monkeypatch.setattr(auth.time, "monotonic", lambda: now)
    assert tokens.holder(given[1]) is None


def test_the_store_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Users and roles beyond the bound are refused."""
    from integrator.engine.config import Config

    monkeypatch.setattr(userstore, "MOST_USERS", 1)
    monkeypatch.setattr(userstore, "MOST_ROLES", 1)
    store = UserStore(tmp_path)
    store.add(Config(), "one", "password", False)
    store.add_role("one")
    with pytest.raises(Refusal, match="1 users"):
        store.add(Config(), "two", "password", False)
    with pytest.raises(Refusal, match="1 roles"):
        store.add_role("two")
    assert (tmp_path / userstore.FILE).stat().st_mode & 0o077 == 0


async def test_log_ins_that_wait_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the bound a log-in is refused at once; when those before it are done, the next is let in."""
    monkeypatch.setattr(api, "LOGINS_WAITING", 2)
    async with managed(tmp_path) as ann:
        place, basic = address(ann.running, "/login"), base64.b64encode(b"ann:secret").decode()
        held = {"authorization": f"Basic {basic}"}
        async with asyncio.TaskGroup() as group:
            tries = [group.create_task(ann.running.request(place, headers=held)) for _ in range(12)]
        found = [one.result().status for one in tries]
        assert set(found) == {200, 429}, found
        await log_in(ann.running, "ann", "secret")
