"""An application with its keys and subscriptions → an archive."""

from __future__ import annotations

import re
from typing import Any

from apim.keymanager import vault
from portal import queries
from portal.api import dto
from portal.models import Application, ApplicationKey
from publisher.archive import texts
from publisher.archive.texts import EXTRAS
from publisher.archive.tree import Tree, pack

STEM, KIND = "application", "application"
_UNSAFE = re.compile(r"[^A-Za-z0-9@._ -]")
_NOT_WRITTEN = ("keys", "subscriptionScopes", "subscriptionCount", "applicationId", "status", "hashEnabled")


def export_application(*, application: Application, keys: bool = False, form: str = "YAML") -> tuple[str, bytes]:
    """File name and bytes of the archive of an application that the caller may read.

    `keys`: its OAuth keys go along; their secrets, which are kept as fingerprints only, as those, sealed for this installation.
    """
    folder = _UNSAFE.sub("_", f"{application.owner.get_username()}-{application.name}")
    return f"{folder}.zip", pack(tree_of(application, keys=keys, form=form), folder)


def tree_of(application: Application, *, keys: bool, form: str = "YAML") -> Tree:
    """The files of the archive."""
    tree = Tree()
    info = {name: value for name, value in dto.application(application).items() if name not in _NOT_WRITTEN}
    if keys:
        info["keys"] = [_key(one) for one in queries.keys(application)]
    data: dict[str, Any] = {"applicationInfo": info, "subscribedAPIs": _subscriptions(application)}
    texts.put(tree, STEM, KIND, data, form)
    return tree


def _key(row: ApplicationKey) -> dict[str, Any]:
    found = {name: value for name, value in dto.key(row).items() if value is not None and name != "keyMappingId"}
    if row.client is not None and row.client.client_secret:
        found[EXTRAS] = {"secret": vault.seal(row.client.client_secret)}
    return found


def _subscriptions(application: Application) -> list[dict[str, Any]]:
    rows = application.subscriptions.select_related("api__provider").order_by("api__name", "api__version")
    return [
        {
            "apiId": {
                "providerName": row.api.provider.get_username(),
                "apiName": row.api.name,
                "version": row.api.version,
            },
            "throttlingPolicy": row.plan,
        }
        for row in rows
    ]
