"""Phone numbers in the one form that is fingerprinted: E.164."""

import phonenumbers

HOME_REGION = "CN"


def e164(number: str) -> str | None:
    """The number in E.164, such as +8613800000000, or None for one that cannot exist.

    A number without a country's prefix is taken as one of mainland China.
    """
    try:
        parsed = phonenumbers.parse(number, HOME_REGION)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(parsed) or parsed.extension:
        return None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
