"""The entity types that policies know by name, in their groups; names only, the same as detection's.

A type that is not here (a company's own, or one that a later detector reports) belongs to no group unless the policy
file says so, and is met by `entity: any`. `redaction` is never imported: a test compares the two lists.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_GROUPS: Final[dict[str, tuple[str, ...]]] = {
    "identity": ("PERSON", "USERNAME", "DATE_OF_BIRTH", "AGE", "LICENSE_PLATE"),
    "contact": ("EMAIL_ADDRESS", "PHONE_NUMBER", "STREET_ADDRESS", "POSTAL_CODE", "URL"),
    "location": ("LOCATION", "COORDINATES"),
    "government": (
        "DE_TAX_ID",
        "DE_SOCIAL_SECURITY",
        "DE_ID_CARD",
        "DE_PASSPORT",
        "DE_DRIVER_LICENSE",
        "DE_VAT_ID",
        "AT_SOCIAL_SECURITY",
        "CH_AHV",
        "VN_CCCD",
        "VN_MST",
        "VN_SOCIAL_INSURANCE",
        "VN_PASSPORT",
        "US_SSN",
        "US_ITIN",
        "US_PASSPORT",
        "US_DRIVER_LICENSE",
        "GB_NINO",
        "GB_PASSPORT",
        "EU_NATIONAL_ID",
        "EU_VAT_ID",
        "PASSPORT",
        "NATIONAL_ID",
        "DRIVER_LICENSE",
        "TAX_ID",
    ),
    "financial": ("IBAN_CODE", "CREDIT_CARD", "CREDIT_CARD_SECURITY_CODE", "BANK_ACCOUNT", "BIC_CODE", "CRYPTO"),
    "health": ("HEALTH_INSURANCE_ID", "GB_NHS", "MEDICAL_RECORD", "HEALTH"),
    "special": ("RELIGION", "UNION", "POLITICS", "ORIENTATION", "ETHNICITY"),
    "online": ("IP_ADDRESS", "MAC_ADDRESS", "DEVICE_ID", "COOKIE"),
    "secrets": ("API_KEY", "PASSWORD", "PRIVATE_KEY", "JWT", "CONNECTION_STRING"),
    "organisation": ("ORGANIZATION", "CUSTOMER_ID", "EMPLOYEE_ID"),
}

GROUPS: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {name: frozenset(types) for name, types in _GROUPS.items()}
)
"""group -> its entity types."""

GROUP_OF: Final[Mapping[str, str]] = MappingProxyType(
    {entity_type: group for group, types in _GROUPS.items() for entity_type in types}
)
"""entity type -> its group."""

ENTITY_TYPES: Final[frozenset[str]] = frozenset(GROUP_OF)
SECRETS: Final[frozenset[str]] = GROUPS["secrets"]
"""What stays blocked even while a policy only observes."""
