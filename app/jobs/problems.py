"""Problems of jobs."""

from app.core.problems import Problem


class JobFailed(Problem):
    slug, status = "job-failed", 500
    title = "The job could not be finished"
    remedy = "What `done` counts is stored. Tell the operator the job's id; then send it again."
