"""Decisions of the OAuth server."""

from oauth2_provider.oauth2_validators import OAuth2Validator


class Validator(OAuth2Validator):
    """Django OAuth Toolkit's validator with the platform's rules."""
