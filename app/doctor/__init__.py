"""`xinsheng doctor`: looks at a deployment, says what it found and what to do about it."""
