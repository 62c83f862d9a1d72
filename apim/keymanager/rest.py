"""Bearer log-in for the management REST APIs: access tokens of the resident key manager."""

from rest_framework import authentication


class BearerAuthentication(authentication.BaseAuthentication):
    """Admits a valid access token whose subject is a user of this platform."""

    def authenticate(self, request):
        return None
