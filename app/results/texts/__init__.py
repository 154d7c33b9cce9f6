"""Text answers: what people wrote, for those who may read it."""
