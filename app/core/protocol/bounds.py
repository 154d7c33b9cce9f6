"""What one connection, and all of a process together, may take up."""

import resource
from dataclasses import dataclass

OWN_FILES = 200
"""Open files that are not left to connections: the database's, logs, what is being imported."""


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """Sizes in bytes. Times in seconds, which pass only while we wait for the client."""

    kept_seconds: float = 15
    """Between two requests. A page, and on a slow line what it links to, comes over one connection;
    parents then read and choose for minutes, for which none is held: their phones connect anew."""
    head_seconds: float = 15
    """From connecting, or from the first byte on a kept connection, to the end of the headers."""
    request_line: int = 8 << 10
    headers_size: int = 32 << 10
    headers: int = 100
    quiet_seconds: float = 20
    """Without a byte of a body that is not complete."""
    grace_seconds: float = 30
    """For a body at any pace; after it, `pace` bytes a second."""
    pace: int = 1 << 10
    framing: int = 512 << 10
    """Of a body: sizes of chunks, their extensions, trailers; and eight times the body itself."""
    unread_seconds: float = 60
    """Without progress in a reply that the client does not take."""
    linger_seconds: float = 5
    """In which what was refused may still arrive, lest the reply be lost; it is thrown away."""
    pipelined: int = 100
    """Requests on one connection that wait for those before them."""
    unfinished: int = 256 << 20
    """Of all bodies of the process together that are not complete."""
    connections: int = 20_000
    """At once, in the process; fewer where it may not open so many files."""
    patience_seconds: float = 2
    """After which who says nothing makes way for others, when there are too many."""
    sweep_seconds: float = 1
    """Between two looks at who keeps us waiting; all times are as coarse as this."""

    def most_connections(self) -> int:
        """How many connections at once the process can have just now."""
        files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        if files == resource.RLIM_INFINITY:
            return self.connections
        return max(1, min(self.connections, files - OWN_FILES))
