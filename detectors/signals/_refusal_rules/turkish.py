"""Turkish."""

from detectors.signals._refusal_rules.rules import LanguageRules

__all__ = ["RULES"]

RULES = LanguageRules(
    inability=r"""
(?:yardımcı olama|yardım edeme|sağlayama|yanıt vereme|cevap vereme|yerine getireme|yanıtlayama|destek olama)
""",
    unknowing=r"""
(?:erişimim yok|bilgim yok|bilmiyorum|emin değilim|erişemiyorum)
""",
)
