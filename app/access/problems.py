"""Problems of access."""

from typing import Any

from app.core.problems import Problem


class Unauthenticated(Problem):
    slug, status = "unauthenticated", 401
    title = "There is no valid access token"
    remedy = "Get a token at POST /oauth/token and send it as `Authorization: Bearer …`."

    def __init__(self, detail: str | None = None) -> None:
        super().__init__(detail, headers={"WWW-Authenticate": 'Bearer realm="xinsheng"'})


class ScopeMissing(Problem):
    slug, status = "scope-missing", 403
    title = "This client may not do that"
    remedy = "Ask the operator for a client with the scope that /docs names for this address."


class NetworkNotAllowed(Problem):
    slug, status = "network-not-allowed", 403
    title = "This client may not call from here"
    remedy = "Call from one of the networks that the client was made for, or have them changed."


class OAuthProblem(Problem):
    """A problem of the token endpoint: it also carries `error`, as RFC 6749 asks."""

    error: str

    def document(self, request_id: str) -> dict[str, Any]:
        """The problem document with the OAuth error code beside it."""
        return {**super().document(request_id), "error": self.error}


class InvalidRequest(OAuthProblem):
    slug, status, error = "invalid-token-request", 400, "invalid_request"
    title = "The token request cannot be read"
    remedy = "Send an application/x-www-form-urlencoded body of texts."


class InvalidClient(OAuthProblem):
    slug, status, error = "invalid-client", 401, "invalid_client"
    title = "The client id or secret is wrong"
    remedy = "Send both by HTTP Basic or in the form; `xinsheng clients create` makes new ones."

    def __init__(self, detail: str | None = None) -> None:
        super().__init__(detail, headers={"WWW-Authenticate": 'Basic realm="xinsheng"'})


class InvalidGrant(OAuthProblem):
    slug, status, error = "unsupported-grant-type", 400, "unsupported_grant_type"
    title = "This grant type is not supported"
    remedy = "Send grant_type=client_credentials as a form."


class InvalidScope(OAuthProblem):
    slug, status, error = "invalid-scope", 400, "invalid_scope"
    title = "This client does not have the scope that was asked for"
    remedy = "Ask for scopes that the client has, or leave `scope` out to get all of them."
