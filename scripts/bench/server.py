"""Our app as `xinsheng serve` serves it, on a database that runs already: port, workers."""

import sys

from app import serving


def main() -> None:
    """Serve until told to stop."""
    port, workers = map(int, sys.argv[1:])
    with serving.bound("127.0.0.1", port) as listener, serving.stopped_by_signals():
        serving.serve(listener, workers=workers)


if __name__ == "__main__":
    main()
