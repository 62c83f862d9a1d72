"""Text that no database keeps is the caller's mistake, never a fault of ours."""

from __future__ import annotations

import json

import pytest

from apim.accounts.models import User
from tests.portal.builders import browser, make_api, make_application, rest

pytestmark = pytest.mark.django_db
ROOT = "/api/am/devportal/v3"
ODD = ["a\x00b", "\ud800"]


@pytest.mark.parametrize("odd", ODD, ids=["nul", "surrogate"])
@pytest.mark.parametrize("field", ["name", "description", "throttlingPolicy", "attributes"])
def test_in_a_body(developer: User, odd: str, field: str) -> None:
    body = {"name": "Shop", field: {"ref": odd} if field == "attributes" else odd}
    # The client's own encoder refuses half a surrogate pair; JSON text may hold it as an escape.
    answer = rest(developer).post(f"{ROOT}/applications", json.dumps(body), content_type="application/json")
    assert answer.status_code == 400
    assert answer.json()["error"][0]["field"] == field


def test_in_an_address(developer: User, publisher_user: User) -> None:
    make_application(developer)
    api = make_api(developer.organisation)
    for path in ("apis?query=%00", "applications?query=%00", "throttling-policies/application/%00"):
        assert rest(developer).get(f"{ROOT}/{path}").status_code == 400
    assert rest(publisher_user).get("/api/am/publisher/v4/subscriptions?query=%00").status_code == 400
    for path in ("?query=%00&tag=%00", "applications/?query=%00"):
        assert browser(developer).get(f"/devportal/{path}").status_code == 200
    assert browser(publisher_user).get(f"/publisher/apis/{api.pk}/subscriptions/?query=%00").status_code == 200


def test_in_a_form(developer: User) -> None:
    form = {"name": "a\x00b", "throttlingPolicy": "Unlimited"}
    assert b"field-error" in browser(developer).post("/devportal/applications/new/", form).content
