"""Numeric answers and ratings: what people said on average, and how far apart."""
