"""Problems of identity."""

from app.core.problems import Problem


class IdentityRequired(Problem):
    slug, status = "identity-required", 401
    title = "Nothing shows who is answering"
    remedy = (
        "Open the page in WeChat where the campaign admits it, use your invitation's own address, "
        "or send the `device_proof` from GET /v1/links/{link} where it admits devices."
    )
