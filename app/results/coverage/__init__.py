"""Coverage: how far each unit is with each target, and when it will be there."""
