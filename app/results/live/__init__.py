"""Live results: a stream of events for everybody who watches a campaign."""
