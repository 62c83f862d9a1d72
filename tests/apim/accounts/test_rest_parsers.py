"""A JSON body that cannot be read is a 400 in the form of the contracts, whatever is wrong with it."""

from __future__ import annotations

import pytest
from rest_framework.test import APIClient

pytestmark = pytest.mark.django_db

RESOURCES = [
    "/api/am/devportal/v3/applications",
    "/api/am/devportal/v3/subscriptions/multiple",
    "/api/am/publisher/v4/apis",
    "/api/am/publisher/v4/apis/validate-openapi",
]


@pytest.mark.parametrize("path", RESOURCES)
@pytest.mark.parametrize("body", ["[" * 5000, '{"a":' * 5000, "{", "\0", '{"a":1e400', "\ud7ff"])
def test_unreadable_json_is_the_callers_mistake(admin, path, body):
    client = APIClient()
    client.force_authenticate(admin)
    answer = client.post(path, body.encode("utf-8", "surrogatepass"), content_type="application/json")
    assert answer.status_code == 400, answer.content
    assert answer.json()["code"] == 900400
