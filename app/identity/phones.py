"""Phone numbers in the one form that is fingerprinted: E.164."""

import unicodedata

import phonenumbers

HOME_REGION = "CN"


def e164(number: str) -> str | None:
    """The number in E.164, such as +8613800000000, or None for one that cannot exist.

    A number without a country's prefix is taken as one of mainland China; a landline without its
    area code is no number, since it would be many people's.
    """
    try:
        # Full-width digits, as Chinese keyboards type them, are digits.
        parsed = phonenumbers.parse(unicodedata.normalize("NFKC", number), HOME_REGION)
    except phonenumbers.NumberParseException:
        return None
    if parsed.extension or not (_home_mobile(parsed) or phonenumbers.is_valid_number(parsed)):
        return None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def _home_mobile(number: phonenumbers.PhoneNumber) -> bool:
    # Any prefix: new ones are given out before the library's rules know them.
    national = number.national_number or 0
    return number.country_code == 86 and 10_000_000_000 <= national < 20_000_000_000
