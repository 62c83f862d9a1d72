"""Lists of a developer's own things ask the database equally often, however many there are."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apim.accounts.models import User
from tests.portal.builders import browser, make_api, make_application, make_key, make_subscription, rest

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("who", "client", "path"),
    [
        ("developer", browser, "/devportal/applications/"),
        ("developer", browser, "/devportal/applications/{application}/subscriptions/"),
        ("developer", rest, "/api/am/devportal/v3/applications"),
        ("developer", rest, "/api/am/devportal/v3/subscriptions?applicationId={application}"),
        ("publisher_user", browser, "/publisher/apis/{api}/subscriptions/"),
        ("publisher_user", rest, "/api/am/publisher/v4/subscriptions"),
    ],
)
def test_the_number_of_queries_stays(
    developer: User, request: pytest.FixtureRequest, who: str, client: object, path: str
) -> None:
    caller = client(request.getfixturevalue(who))
    application, api = make_application(developer), make_api(developer.organisation)
    address, counts = path.format(application=application.pk, api=api.pk), []
    for amount in (1, 6):
        for _ in range(amount):
            make_subscription(application, make_api(developer.organisation))
            other = make_application(developer)
            make_key(other)
            make_subscription(other, api)
        with CaptureQueriesContext(connection) as queries:
            assert caller.get(address).status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1]
