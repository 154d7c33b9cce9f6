"""One unit's rates from one campaign to the next."""
