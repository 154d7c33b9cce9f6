"""Problems of jobs."""

from app.core.problems import Problem


class JobFailed(Problem):
    slug, status = "job-failed", 500
    title = "The job could not be finished"
    remedy = "What `done` counts is stored. Tell the operator the job's id; then send it again."


class ClientNotInForce(Problem):
    slug, status = "client-not-in-force", 403
    title = "The client that asked for this has been revoked or has expired"
    remedy = "The job went no further. Ask for it again as a client that is in force."
