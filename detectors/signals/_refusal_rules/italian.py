"""Italian."""

from detectors.signals._refusal_rules.rules import LanguageRules

__all__ = ["RULES"]

_HELPS = r"""(?:aiut|forn|rispond|dare\b|darti|darle|assist|gener|crea|scriv|partecip|sostener|soddisf|condivid
|offri|eseguire|far\w*\b
|esaudi|incoraggia|promuov|supporta|spiega|tradur|indica|suggeri|consiglia|discut|procedere|accontenta|soddisfa
|descriv|dirti come)"""

RULES = LanguageRules(
    fragments={"HELPS": _HELPS},
    inability=r"""
\bnon (?:(?:ti|le|vi|lo|la) )?(?:posso|possiamo|potrò|sono in grado di|mi è possibile|mi è consentito
|sono autorizzat[oa] a|voglio
|intendo|sono programmat[oa] per)(?: \w+){0,3}? HELPS

\b(?:mi dispiace|mi spiace|purtroppo|spiacente|mi scuso|scusa)\b[^.!?]{0,60}?\bnon (?:posso|possiamo|potrò|sono in grado
|mi è possibile|sono autorizzat)
""",
    unwilling=r"""
\b(?:mi rifiuto di|(?:devo|preferisco) (?:\w+ )?(?:rifiutare|declinare|rifiutarmi))
""",
    policy=r"""
\b(?:va contro i miei|va contro le mie|viola i miei|viola le mie|contrario ai miei)\b
""",
    moral=r"""
\b(?:illegale e (?:\w+ )?(?:immorale|dannos|non etic)|(?:immorale|dannos[oa]|non etic[oa]) e illegale)
""",
    unknowing=r"""
\bnon (?:ho|dispongo di|possiedo)\b[^.!?]{0,50}?(?:accesso|informazion|dati\b|conoscenz|opinion|esperienz|modo di)

\bnon (?:lo so|so\b|conosco|sono (?:\w+ )?(?:sicur|cert))

\bnon (?:posso|sono in grado di|potrei) (?:\w+ )?(?:sapere|vedere|sentire|trovare|accedere a(?:i|lle|d|l)?\b|aprire
|consultare
|prevedere|verificare|garantire|confermare|navigare|assicurare|indovinare)
""",
    caveat=r"""
\b(?:consigl[io]|consulenz[ae]|parer[ei]|diagnosi)(?: \w+)? (?:medic|legal|finanziari|fiscal|professional)
""",
    later="""
non posso
non ti posso
non possiamo
mi rifiuto
non sono in gr
""",
    offer=r"""
\b(?:ma|però|tuttavia|ciononostante)\b[^.!?]{0,100}?\b(?:posso[^.!?]{0,60}?(?:spiegar|dar|dir|forni|mostrar|descriv
|indicar)\w*
|ecco)\b(?![^.!?]{0,100}(?:alternativ|altr[oaei]|invece|sicur|legal|etic|risors|se ))
""",
)
