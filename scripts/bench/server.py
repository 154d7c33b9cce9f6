"""An app served as `xinsheng serve` serves ours, on a database that runs: app, port, workers."""

import sys

from app import serving


def main() -> None:
    """Serve until told to stop."""
    app, port, workers = sys.argv[1:]
    with serving.bound("127.0.0.1", int(port)) as listener, serving.stopped_by_signals():
        serving.serve(listener, workers=int(workers), app=app)


if __name__ == "__main__":
    main()
