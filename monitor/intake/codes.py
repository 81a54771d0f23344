"""Why a record was rejected: one code for each class of cause. The codes are stable."""

from enum import StrEnum

__all__ = ["Code"]


class Code(StrEnum):
    """A class of cause. Codes are kept in metrics and in the dead-letter table."""

    MALFORMED_JSON = "malformed_json"
    NOT_AN_OBJECT = "not_an_object"
    TOO_DEEP = "too_deep"
    MISSING_FIELD = "missing_field"
    WRONG_TYPE = "wrong_type"
    OUT_OF_RANGE = "out_of_range"
    TOO_LONG = "too_long"
    CONTROL_CHARACTER = "control_character"
    TIMESTAMP_UNPARSEABLE = "timestamp_unparseable"
    STARTED_IN_FUTURE = "started_in_future"
    STARTED_TOO_LONG_AGO = "started_too_long_ago"
    RECORD_TOO_LARGE = "record_too_large"
