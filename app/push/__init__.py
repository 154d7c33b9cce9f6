"""`xinsheng push`: sends a contractor's file. A client of the API, with nothing of the server."""
