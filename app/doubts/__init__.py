"""Signs that responses are not what they seem: flags, never deletion; and voiding, by people."""
