"""Lists of a developer's own things ask the database equally often, however many there are."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apim.accounts.models import User
from portal.actions.comments import say
from portal.actions.ratings import rate
from portal.models import SharingGroup
from publisher.models import Document
from tests.portal.builders import browser, make_api, make_application, make_key, make_subscription, rest

pytestmark = pytest.mark.django_db


def _colleague(developer: User) -> User:
    """Somebody without a password, which would cost a hash each time."""
    organisation = developer.organisation
    made = User.objects.create(username=f"mate{User.objects.count()}", organisation=organisation)
    made.roles.add(organisation.roles.get(name="Internal/subscriber"))
    return made


@pytest.mark.parametrize(
    ("who", "client", "path"),
    [
        ("developer", browser, "/devportal/applications/"),
        ("developer", browser, "/devportal/applications/{application}/subscriptions/"),
        ("developer", browser, "/devportal/"),
        ("developer", browser, "/devportal/apis/{api}/comments/"),
        ("developer", rest, "/api/am/devportal/v3/applications"),
        ("developer", rest, "/api/am/devportal/v3/apis"),
        ("developer", rest, "/api/am/devportal/v3/search?query=pizza"),
        ("developer", rest, "/api/am/devportal/v3/apis/{api}/comments"),
        ("developer", rest, "/api/am/devportal/v3/apis/{api}/ratings"),
        ("developer", rest, "/api/am/devportal/v3/recommendations"),
        ("developer", rest, "/api/am/devportal/v3/subscriptions?apiId={api}"),
        ("developer", rest, "/api/am/devportal/v3/subscriptions?applicationId={application}"),
        ("publisher_user", browser, "/publisher/apis/{api}/subscriptions/"),
        ("publisher_user", rest, "/api/am/publisher/v4/subscriptions"),
    ],
)
def test_the_number_of_queries_stays(
    developer: User, request: pytest.FixtureRequest, who: str, client: object, path: str
) -> None:
    caller = client(request.getfixturevalue(who))
    application, api = make_application(developer), make_api(developer.organisation, provider=developer)
    make_subscription(application, api)
    group = SharingGroup.objects.create(organisation=developer.organisation, name="Team")
    address, counts = path.format(application=application.pk, api=api.pk), []
    for amount in (1, 3):
        for _ in range(amount):
            further = make_api(developer.organisation, provider=developer)
            make_subscription(application, further)
            Document.objects.create(api=further, name="Pizza guide", source="INLINE", text="x", created_by="x")
            colleague = _colleague(developer)
            for rated in (api, further):
                rate(by=colleague, api=rated, stars=4)
            say(by=colleague, api=api, text="A", parent=say(by=colleague, api=api, text="Q"))
            theirs = make_application(colleague)
            for used in (api, further, make_api(developer.organisation, provider=developer)):
                make_subscription(theirs, used)
            other = make_application(developer)
            make_key(other)
            other.groups.add(group)
            make_subscription(other, api)
        with CaptureQueriesContext(connection) as queries:
            assert caller.get(address).status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1]
