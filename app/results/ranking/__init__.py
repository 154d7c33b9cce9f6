"""Units in the order of their rates, and what that order is worth."""
