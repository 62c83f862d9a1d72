"""Archives of applications."""

from __future__ import annotations

from tests.contracts.harness import Answer, case
from tests.contracts.world import World
from tests.portal import builders


def _archive(w: World) -> dict[str, tuple[str, bytes, str]]:
    application = builders.make_application(w.user, "Shop")
    builders.make_key(application)
    builders.make_subscription(application, w.published(name="Orders", version="1.0.0"))
    answer = w.devportal.get("/applications/export?appName=Shop&appOwner=admin&withKeys=true")
    assert answer.status_code == 200, answer.content
    return {"file": ("archive.zip", answer.content, "application/zip")}


@case("devportal", "GET /applications/export")
def export_application(w: World) -> Answer:
    builders.make_application(w.user, "Shop")
    return w.devportal.get("/applications/export?appName=Shop&appOwner=admin&withKeys=false&format=YAML")


@case("devportal", "POST /applications/import")
def import_application(w: World) -> Answer:
    file = _archive(w)
    options = "update=true&preserveOwner=true&skipSubscriptions=false&skipApplicationKeys=false&appOwner=admin"
    return w.devportal.post(f"/applications/import?{options}", files=file)
