"""Final dispositions of telephone interviews, as AAPOR numbers and names them."""

COMPLETE, PARTIAL = "1.1", "1.2"
NAMES = {
    COMPLETE: "complete interview",
    PARTIAL: "partial interview",
    "2.11": "refusal",
    "2.12": "break-off",
    "2.20": "non-contact",
    "2.21": "respondent never available",
    "2.22": "answering device",
    "2.31": "respondent dead",
    "2.32": "respondent physically or mentally unable",
    "2.33": "language problem",
    "2.34": "other: inadequate audio quality",
    "2.35": "other: the respondent's place allows no interview",
    "2.36": "other: miscellaneous",
    "3.11": "not attempted",
    "3.12": "always busy",
    "3.13": "no answer",
    "3.14": "answering device, not known whose",
    "3.15": "telecommunication barrier, such as blocked calls",
    "3.16": "technical problem",
    "3.20": "not known whether anybody is eligible",
    "3.21": "no screener completed",
    "3.90": "other, eligibility not known",
    "4.10": "out of sample",
    "4.20": "fax or modem",
    "4.31": "non-working number",
    "4.32": "disconnected number",
    "4.33": "temporarily out of service",
    "4.41": "number changed",
    "4.51": "business or other organisation",
    "4.70": "no eligible respondent",
    "4.80": "quota filled",
}
ANSWERED = frozenset({COMPLETE, PARTIAL})
"""Those that come with answers and are counted."""
