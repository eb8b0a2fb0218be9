"""The HTTP session for the platform. It sends what we give it, and keeps nothing that the platform's servers set."""

from http.cookiejar import DefaultCookiePolicy

import requests
from requests.auth import AuthBase


class _AuthorizationAsGiven(AuthBase):
    """Leaves a request as it is. Without any auth, requests would send a login of the user's netrc instead."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


AS_GIVEN = _AuthorizationAsGiven()


def platform_session() -> requests.Session:
    """A session without cookies and without logins from files: a sticky cookie would pin us to one back end."""
    session = requests.Session()
    session.auth = AS_GIVEN
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
    return session
