"""Password rules of organisations, as a validator of Django: it is asked wherever a password is set."""

from __future__ import annotations

from django.contrib.auth.hashers import check_password
from django.core.exceptions import ValidationError

from apim.accounts.models import User
from apim.login import rules
from apim.login.models import PastPassword

CLASSES = (str.islower, str.isupper, str.isdigit, lambda letter: not letter.isalnum())


class OrganisationRules:
    """Length, mixture and repetition by the rules of the user's organisation; each message names its rule."""

    def validate(self, password: str, user: User | None = None) -> None:
        """Raises ValidationError with every rule that is broken."""
        if user is None or user.organisation_id is None:
            return
        own = rules.of(user.organisation)
        wrong = []
        if len(password) < own.minimum_length:
            wrong.append(f"This password is too short: the organisation asks for {own.minimum_length} characters.")
        if sum(any(map(is_one, password)) for is_one in CLASSES) < own.character_classes:
            wrong.append(
                f"Mix {own.character_classes} of these: small letters, capitals, digits, other characters "
                "(a rule of the organisation)."
            )
        if own.history and user.pk and _used(user, password, own.history):
            wrong.append(f"This is one of your last {own.history} passwords, which the organisation does not allow.")
        if wrong:
            raise ValidationError(wrong)

    def password_changed(self, password: str, user: User | None = None) -> None:
        """Remember the hash and the time; called by Django after the user is saved."""
        if user is None or user.pk is None or user.organisation_id is None or not user.has_usable_password():
            return
        PastPassword.objects.create(user=user, encoded=user.password)
        keep = max(rules.of(user.organisation).history, 1)
        old = list(PastPassword.objects.filter(user=user).values_list("pk", flat=True)[keep:])
        if old:
            PastPassword.objects.filter(pk__in=old).delete()

    def get_help_text(self) -> str:
        """For forms."""
        return "Your organisation may ask for a longer password, or for different kinds of characters."


def _used(user: User, password: str, count: int) -> bool:
    stored = [*PastPassword.objects.filter(user=user).values_list("encoded", flat=True)[:count]]
    return any(check_password(password, encoded) for encoded in dict.fromkeys([user.password, *stored]) if encoded)
