"""The statistics of results: pure functions of numbers. docs/statistics.md tells the method."""
