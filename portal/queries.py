"""What a person may read in the portal: the filters by owner and organisation that every page and resource uses."""

from __future__ import annotations

import math
from typing import TypeVar
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db.models import Count, Model, OuterRef, Q, QuerySet, Subquery, TextField
from django.db.models.functions import Cast, Coalesce

from apim.accounts.models import Organisation, User
from apim.configuration.document import default_tier
from apim.errors import NotFound
from apim.traffic.models import SECONDS, UNAUTHENTICATED, UNLIMITED, Level, Policy
from apim.traffic.queries import may_choose
from portal.models import ApiKey, Application, ApplicationKey, Subscription
from portal.stars import with_average
from publisher.availability import takes
from publisher.models import Api, Availability, State
from publisher.queries import visible_apis

Row = TypeVar("Row", bound=Model)
SUBSCRIBABLE = (State.PUBLISHED, State.PROTOTYPED)


def applications(user: User) -> QuerySet[Application]:
    """The applications the user works with: own ones, and those of others that are shared with a group of theirs."""
    found = Application.objects.filter(organisation=user.organisation_id).filter(_used_by(user, "pk", "owner"))
    return found.select_related("organisation", "owner").prefetch_related("groups")


def groups_to_share_with(user: User, application: Application | None = None) -> list[str]:
    """Names of the groups that `user` may share an application of theirs with: their own, and those it is shared with."""
    names = set(user.sharing_groups.filter(organisation=user.organisation_id).values_list("name", flat=True))
    return sorted(names | ({group.name for group in application.groups.all()} if application else set()))


def _used_by(user: User, application: str = "application", owner: str = "application__owner") -> Q:
    shared = Application.groups.through.objects.filter(sharinggroup__members=user).values("application_id")
    return Q(**{owner: user}) | Q(**{f"{application}__in": shared})


def with_counts(rows: QuerySet[Application]) -> QuerySet[Application]:
    """Adds `subscription_count` and `key_count` to each application."""
    return rows.annotate(
        subscription_count=_number_of(Subscription, "application"), key_count=_number_of(ApplicationKey, "application")
    )


def application(user: User, pk: UUID | str) -> Application:
    """The user's application `pk`. Raises NotFound, also when it is somebody else's."""
    return _one(with_counts(applications(user)), pk, "application")


def keys(application: Application) -> QuerySet[ApplicationKey]:
    """The keys of an application, production first."""
    return application.keys.select_related("client", "key_manager__organisation", "application__organisation")


def key(application: Application, pk: UUID | str) -> ApplicationKey:
    """The key `pk` of this application. Raises NotFound."""
    return _one(keys(application), pk, "key")


def key_of_type(application: Application, key_type: str, key_manager: str) -> ApplicationKey:
    """The key of that type at the key manager of that name. Raises NotFound."""
    found = keys(application).filter(key_type=key_type, key_manager__name=key_manager).first()
    if found is None:
        raise NotFound(f"{application} has no {key_type.lower()} keys at {key_manager!r}.")
    return found


def default_limit(organisation: Organisation) -> str:
    """The policy of applications that name none: the one the organisation's configuration proposes, if there is one."""
    name = default_tier(organisation, "DefaultApplicationLevelTier")
    return name if name and limits(organisation).filter(name=name).exists() else UNLIMITED


def api_keys(application: Application, key_type: str) -> QuerySet[ApiKey]:
    """The API keys of an application for one side, the newest first; also those that have ended."""
    return ApiKey.objects.filter(application=application, key_type=key_type).select_related("application__organisation")


def api_key(application: Application, pk: UUID | str) -> ApiKey:
    """The API key `pk` of this application. Raises NotFound."""
    return _one(application.api_keys.select_related("application__organisation"), pk, "API key")


def subscriptions(user: User) -> QuerySet[Subscription]:
    """Subscriptions of the applications the user works with."""
    return _whole(Subscription.objects.filter(_used_by(user), organisation=user.organisation_id))


def subscription(user: User, pk: UUID | str) -> Subscription:
    """The user's subscription `pk`. Raises NotFound, also when it is somebody else's."""
    return _one(subscriptions(user), pk, "subscription")


def subscriptions_to(organisation: Organisation) -> QuerySet[Subscription]:
    """Subscriptions to the organisation's APIs: what its publishers see."""
    return _whole(Subscription.objects.filter(api__organisation=organisation))


def subscription_to(organisation: Organisation, pk: UUID | str) -> Subscription:
    """One of those. Raises NotFound."""
    return _one(subscriptions_to(organisation), pk, "subscription")


def with_siblings(rows: QuerySet[Subscription]) -> QuerySet[Subscription]:
    """For lists: adds `application_subscriptions`, how many each one's application has; leaves out what is long of APIs."""
    rows = rows.defer("api__definition", "api__wsdl", "api__endpoints", "api__flows", "api__cors")
    return rows.annotate(application_subscriptions=_number_of(Subscription, "application", "application_id"))


def _number_of(model: type[Model], field: str, outer: str = "pk") -> Coalesce:
    """How many rows of `model` name the outer row in `field`: counted for the shown rows alone, without a join."""
    counted = model.objects.order_by().filter(**{field: OuterRef(outer)}).values(field).annotate(n=Count("pk"))
    return Coalesce(Subquery(counted.values("n")), 0)


def visible(user: User | AnonymousUser, organisation: Organisation) -> QuerySet[Api]:
    """What the portal of `organisation` may show `user`; deprecated APIs only to their subscribers (reference A2)."""
    return visible_apis(user, organisation, subscribed=_deprecated(user) if user.is_authenticated else ())


def api(user: User | AnonymousUser, organisation: Organisation, pk: UUID | str) -> Api:
    """The API `pk` when the portal may show it to `user`. Raises NotFound.

    At home people also find the public APIs of other organisations that take their subscriptions.
    """
    if user.is_authenticated and _at_home(user, organisation):
        rows = Api.objects.filter(pk=_identifier(pk)).exclude(organisation=organisation)
        elsewhere = rows.select_related("organisation").first()
        if elsewhere is not None and takes(elsewhere, organisation):
            organisation = elsewhere.organisation
    return _one(visible(user, organisation), pk, "API")


def _at_home(user: User, organisation: Organisation) -> bool:
    return user.organisation_id == organisation.pk


def taking(found: QuerySet[Api], user: User | AnonymousUser, organisation: Organisation) -> QuerySet[Api]:
    """Those of `found`, APIs of `organisation`, that people of another one may subscribe to (`availability.takes` in SQL)."""
    if not user.is_authenticated or _at_home(user, organisation):
        return found
    domain = user.organisation.domain
    named = found.alias(tenants_text=Cast("subscription_tenants", TextField()))
    some = Q(subscription_availability=Availability.SPECIFIC_TENANTS, tenants_text__contains=f'"{domain}"')
    return named.filter(Q(subscription_availability=Availability.ALL_TENANTS) | some)


def _deprecated(user: User) -> list[UUID]:
    own = Subscription.objects.filter(_used_by(user), api__state=State.DEPRECATED)
    return list(own.values_list("api_id", flat=True))


def limits(organisation: Organisation) -> QuerySet[Policy]:
    """The limits an application may have."""
    return Policy.objects.filter(organisation=organisation, level=Level.APPLICATION)


def plans(api: Api, user: User | AnonymousUser | None = None) -> list[Policy]:
    """The business plans of an API that are offered to applications (to those of `user`, when given), the smallest first."""
    offered = [plan for plan in api.plans.all() if plan.name != UNAUTHENTICATED and plan.level == Level.SUBSCRIPTION]
    if user is not None:
        # The roles of another organisation's people say nothing here: they choose among what is open to everybody.
        asking = user if not user.is_authenticated or _at_home(user, api.organisation) else AnonymousUser()
        offered = [plan for plan in offered if may_choose(asking, plan)]
    return sorted(offered, key=_size)


def _size(plan: Policy) -> tuple[float, str]:
    """Units a second; the most for a plan without limit."""
    if plan.amount is None:
        return math.inf, plan.name
    return plan.amount / (plan.unit_time * SECONDS[plan.time_unit]), plan.name


def _whole(rows: QuerySet[Subscription]) -> QuerySet[Subscription]:
    whole = rows.select_related("organisation", "application__owner", "api__provider", "api__organisation")
    return with_average(whole, "api_id").prefetch_related("application__groups")


def _identifier(pk: UUID | str) -> UUID | None:
    try:
        return pk if isinstance(pk, UUID) else UUID(pk)
    except ValueError:
        return None


def _one(rows: QuerySet[Row], pk: UUID | str, what: str) -> Row:
    identifier = _identifier(pk)
    found = rows.filter(pk=identifier).first() if identifier else None
    if found is None:
        raise NotFound(f"There is no {what} {pk}.")
    return found
