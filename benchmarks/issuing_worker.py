"""The process of `benchmarks.issuing`: a scratch database with so many tokens issued before, asked at the real endpoint."""

from __future__ import annotations

import base64
import os
import sys
import time
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "apim.settings")
django.setup()

from django.core.management import call_command  # noqa: E402 - after setup
from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import setup_test_environment  # noqa: E402

from apim.accounts import hooks  # noqa: E402
from apim.accounts.models import Organisation, User  # noqa: E402
from apim.keymanager.actions.clients import create_client  # noqa: E402
from apim.keymanager.models import OAuthClient  # noqa: E402

PASSWORD = "correct horse 7"  # noqa: S105 - of a scratch account
SERIES = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %s)"
HASH = "printf('%%064x', i)"
LEFT_BEHIND = (
    f"""{SERIES} INSERT INTO oauth2_provider_accesstoken
        (id, token, token_checksum, expires, scope, created, updated, application_id, user_id, resource)
        SELECT i, i, {HASH}, '2099-01-01 00:00:00', 'default', '2026-01-01', '2026-01-01', %s, %s, '[]' FROM n""",
    f"""{SERIES} INSERT INTO oauth2_provider_refreshtoken
        (id, token, token_checksum, created, updated, access_token_id, application_id, user_id, token_family, resource)
        SELECT i, '', {HASH}, '2026-01-01', '2026-01-01', i, %s, %s, printf('%%032x', i), '[]' FROM n""",
    f"""{SERIES} INSERT INTO keymanager_opaquetoken (checksum, jti, claims, expires)
        SELECT {HASH}, i, json_object('client', %s, 'user', %s), '2099-01-01 00:00:00' FROM n""",
    f"""{SERIES} INSERT INTO keymanager_revokedtoken (jti, expires, revoked, client_id)
        SELECT 'r' || i, '2099-01-01 00:00:00', '2026-01-01', %s || %s FROM n""",
)
"""What tokens with refresh tokens, opaque and revoked tokens leave, as many of each. Signed ones leave nothing."""


class Asker:
    """Clients of a scratch organisation, and requests in their names."""

    def __init__(self) -> None:
        organisation = Organisation.objects.get_or_create(domain="carbon.super", defaults={"display_name": "x"})[0]
        hooks.seed(organisation)
        self.user = User(username="someone", organisation=organisation, is_superuser=True)
        self.user.set_password(PASSWORD)
        self.user.save()
        self.http = Client()
        self.signed, self.opaque = self._client(organisation, "JWT"), self._client(organisation, "OPAQUE")
        self.refresh = ""

    def _client(self, organisation: Organisation, form: str) -> tuple[OAuthClient, str]:
        grants = ["client_credentials", "password", "refresh_token"]
        client, secret = create_client(by=self.user, organisation=organisation, name=form, grant_types=grants)
        client.token_format = form
        client.save()
        return client, "Basic " + base64.b64encode(f"{client.client_id}:{secret}".encode()).decode()

    def post(self, client: tuple[OAuthClient, str], **fields: str) -> dict[str, Any]:
        """The token endpoint's answer, which must be a token."""
        body = "&".join(f"{name}={value.replace(' ', '%20')}" for name, value in fields.items())
        kind = "application/x-www-form-urlencoded"
        answer = self.http.post("/oauth2/token", body, content_type=kind, headers={"Authorization": client[1]})
        if answer.status_code != 200:
            raise SystemExit(answer.content.decode())
        return answer.json()

    def once(self, kind: str) -> None:
        """One token."""
        if kind == "refresh_token":
            found = self.post(self.signed, grant_type="refresh_token", refresh_token=self.refresh)
            self.refresh = found["refresh_token"]
        else:
            self.post(self.opaque if kind == "opaque" else self.signed, grant_type="client_credentials")


def main() -> None:
    """Fill, then answer each kind on the standard input with the milliseconds of processor time that one token took."""
    issued, batch = int(sys.argv[1]), int(sys.argv[2])
    setup_test_environment()
    call_command("migrate", verbosity=0)
    asker = Asker()
    if issued:
        with connection.cursor() as cursor:
            for statement in LEFT_BEHIND:
                cursor.execute(statement, [issued, asker.signed[0].pk, asker.user.pk])
    answer = asker.post(asker.signed, grant_type="password", username="someone", password=PASSWORD)
    asker.refresh = answer["refresh_token"]
    for kind in ("client_credentials", "refresh_token", "opaque"):
        asker.once(kind)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for line in sys.stdin:
        begun = time.process_time()
        for _ in range(batch):
            asker.once(line.strip())
        sys.stdout.write(f"{(time.process_time() - begun) * 1000 / batch}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
