"""An archive → an application: made or changed, with its keys and subscriptions, in one transaction."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from apim.accounts.models import User
from apim.accounts.permissions import require
from apim.errors import Conflict, FieldError, Forbidden, Invalid
from apim.traffic.models import UNLIMITED
from portal import queries
from portal.actions.applications import create_application, update_application
from portal.actions.sharing import share
from portal.actions.subscriptions import change_plan, subscribe
from portal.archive import keys
from portal.archive.exporting import KIND, STEM, tree_of
from portal.errors import NotAvailable, NotSubscribable
from portal.models import Application, ApplicationStatus
from portal.permissions import DEVELOPER
from publisher.archive import changes, texts
from publisher.archive.texts import within, word
from publisher.archive.tree import Tree, bad
from publisher.checks.basics import refuse_unstorable, shown
from publisher.models import Api

FILES = texts.names(STEM)
MOST_SUBSCRIPTIONS = 1000


@dataclass(frozen=True)
class Options:
    """What the importer asks for. `owner` (a user name) stands above `preserve_owner`; both need an administrator."""

    update: bool = False
    preserve_owner: bool = False
    owner: str = ""
    skip_subscriptions: bool = False
    skip_keys: bool = False
    ignore_tier: bool = False
    dry_run: bool = False


@dataclass
class Outcome:
    """What came of an import; `skipped` are subscriptions that are not possible here, each with the reason."""

    application: Application
    created: bool
    changes: list[changes.Change] = field(default_factory=list)
    skipped: list[tuple[dict[str, Any], str]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def import_application(*, by: User, tree: Tree, options: Options) -> Outcome:
    """Take in the application of an archive.

    Raises BadArchive and Invalid naming file and field, Conflict when its owner has one of that name and `options.update` is off,
    Forbidden for another owner without being an administrator.
    """
    require(by, DEVELOPER)
    with transaction.atomic():
        outcome = _take_in(by, tree, options)
        if options.dry_run:
            transaction.set_rollback(True)
    return outcome


def _take_in(by: User, tree: Tree, options: Options) -> Outcome:
    tree = tree.rooted(*FILES)
    path = tree.first(*FILES)
    data = texts.mapping(tree, path, KIND)
    with within(path):
        refuse_unstorable(data, "data")
    info = data.get("applicationInfo")
    if not isinstance(info, dict):
        raise bad(path, "Is required, and an object.", "data.applicationInfo")
    owner = _owner(by, path, info, options)
    there = Application.objects.filter(
        owner=owner, name=word(info, "name", path, "data.applicationInfo").strip()
    ).first()
    if there is not None and not options.update:
        raise Conflict(
            f"{owner} has an application {there.name!r} already. To change it, say so: a tick on the page, update=true by REST."
        )
    before = tree_of(there, keys=True) if there is not None else Tree()
    with within(path, "data.applicationInfo", _contract):
        application = _written(by, path, info, owner, there)
    outcome = Outcome(application, there is None)
    if application.status != ApplicationStatus.APPROVED:
        outcome.warnings.append(f"{application} waits for approval: its keys and subscriptions are not imported.")
    else:
        _hang_on(by, path, data, info, outcome, options)
    outcome.application = queries.with_counts(Application.objects.select_related("owner", "organisation")).get(
        pk=application.pk
    )
    outcome.changes = changes.between(before, tree_of(outcome.application, keys=True))
    return outcome


def _hang_on(
    by: User, path: str, data: dict[str, Any], info: dict[str, Any], outcome: Outcome, options: Options
) -> None:
    if not options.skip_keys:
        with within(path, "data.applicationInfo"):
            outcome.warnings += keys.take_in(by, outcome.application, info.get("keys") or data.get("applicationKeys"))
    if not options.skip_subscriptions:
        outcome.skipped = _subscribe(by, path, data, outcome.application, options.ignore_tier)


def _owner(by: User, path: str, info: dict[str, Any], options: Options) -> User:
    name = options.owner or (info.get("owner") if options.preserve_owner else "")
    if not name or name == by.get_username():
        return by
    found = User.objects.filter(organisation=by.organisation_id, username=str(name), is_active=True).first()
    if not by.has_role():
        raise Forbidden(f"{path}: {shown(name)} cannot be the owner: only administrators import for others.")
    if found is None:
        place = "appOwner" if options.owner else f"{path}: data.applicationInfo.owner"
        message = f"There is nobody called {shown(name)} in {by.organisation}."
        raise Invalid(f"{place}: {message}", [FieldError(place, message)])
    return found


def _written(by: User, path: str, info: dict[str, Any], owner: User, there: Application | None) -> Application:
    place = "data.applicationInfo"
    attributes = info.get("attributes") or {}
    if not isinstance(attributes, dict) or not all(isinstance(one, str) for one in attributes.values()):
        raise bad(path, "Must be an object of texts.", f"{place}.attributes")
    fields = {
        "name": word(info, "name", path, place),
        "policy": word(info, "throttlingPolicy", path, place, UNLIMITED),
        "description": word(info, "description", path, place, ""),
        "token_type": word(info, "tokenType", path, place, "JWT"),
        "attributes": attributes,
    }
    if there is None:
        application = create_application(by=by, owner=owner, **fields)
    else:
        application = update_application(by=by, application=there, **fields)
    groups = info.get("groups")
    if isinstance(groups, list) and groups:
        share(by=by, application=application, groups=[str(one) for one in groups])
    return application


def _contract(name: str) -> str:
    return {"policy": "throttlingPolicy", "token_type": "tokenType"}.get(name, name)


def _subscribe(
    by: User, path: str, data: dict[str, Any], application: Application, ignore_tier: bool
) -> list[tuple[dict[str, Any], str]]:
    listed = data.get("subscribedAPIs") or []
    if not isinstance(listed, list) or len(listed) > MOST_SUBSCRIPTIONS:
        raise bad(path, f"Must be a list of at most {MOST_SUBSCRIPTIONS} objects.", "data.subscribedAPIs")
    skipped = []
    for number, one in enumerate(listed):
        place = f"data.subscribedAPIs[{number}]"
        named = one.get("apiId") if isinstance(one, dict) else None
        if not isinstance(named, dict):
            raise bad(path, "Must be an object with apiId (apiName, version) and throttlingPolicy.", place)
        name, version = word(named, "apiName", path, place), word(named, "version", path, place)
        plan = word(one, "throttlingPolicy", path, place, "")
        reason = _one(by, application, name, version, plan, ignore_tier)
        if reason:
            info = {"name": name, "version": version, "provider": str(named.get("providerName") or "")}
            skipped.append((info, reason))
    return skipped


def _one(by: User, application: Application, name: str, version: str, plan: str, ignore_tier: bool) -> str:
    """Subscribe to one API; why not, when that is not possible here."""
    rows = queries.visible(application.owner, application.organisation)
    api: Api | None = rows.filter(name__iexact=name, version=version).first()
    if api is None:
        return f"There is no API {name} {version} that {application.owner} sees."
    offered = [one.name for one in queries.plans(api, by)]
    if plan not in offered:
        if not ignore_tier or not offered:
            return f"{api} does not offer the plan {plan!r}; it offers {', '.join(offered) or 'nothing'}."
        plan = offered[0]
    row = application.subscriptions.filter(api=api).first()
    try:
        if row is None:
            subscribe(by=by, application=application, api=api, plan=plan)
        elif row.plan != plan:
            change_plan(by=by, subscription=row, plan=plan)
    except (NotSubscribable, NotAvailable) as error:
        return error.description
    return ""
