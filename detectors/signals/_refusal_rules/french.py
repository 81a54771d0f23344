"""French."""

from detectors.signals._refusal_rules.rules import LanguageRules

__all__ = ["RULES"]

_HELPS = r"""(?:aider?\b|aide\b|fourni|répond|donne|assist|satisf|accéder à (?:votre|ta|cette|la)|génér|cré|écri
|rédig|partag|particip
|encourag|soutenir|promouvoir|propos|conseill|recommand|discut|accompl|expli|faire\b|offrir|cautionn|engag|continu
|approuv
|produire|dire comment|traiter|indiquer|révéler|traduire|suggér|décrire|accept)"""

RULES = LanguageRules(
    fragments={"HELPS": _HELPS},
    inability=r"""
\b(?:je ne|nous ne|je n')(?: vous| te| t'| l'| le| la| les| y| en)? ?(?:peux|puis|pourrai|pourrais|pouvons|vais
|veux|saurais|dois|suis)\b[^.!?]{0,60}?\b(?:HELPS)

\b(?:désolée?|navrée?|excuse\w*|regrette\w*|malheureusement)\b[^.!?]{0,60}?\bje ne (?:peux|puis|pourrai|suis|vais)\b

\bje ne suis (?:malheureusement )?pas (?:en mesure|autorisée?|programmée?|conçue?|habilitée?|à l'aise|capable)

\bil (?:m'est|ne m'est)(?: malheureusement)? (?:pas )?(?:possible|impossible|interdit|permis)
""",
    unwilling=r"""
\bje ne (?:fournis|donne|soutiens|cautionne|encourage|propose|crée)(?:rai)? (?:pas|aucun)

\bje (?:refuse de|(?:dois|préfère|me vois contrainte? de) (?:\w+ )?(?:décliner|refuser))
""",
    policy=r"""
\b(?:l'encontre de me|contraire à me|enfreint me|viole me|l'encontre de no)s\b
""",
    moral=r"""
\b(?:illégal|contraire à la loi)e? et (?:\w+ )?(?:contraire à l'éthique|immoral|dangereu|nuisible)

\b(?:contraire à l'éthique|immorale?) et (?:\w+ )?illégal
""",
    unknowing=r"""
\bn'ai (?:\w+ )?(?:pas|aucun\w*)[^.!?]{0,50}?(?:accès|information|donnée|connaissance|opinion|sentiment|expérience
|moyen)

\b(?:je|nous) (?:ne (?:le )?sais pas|ignore\b|ne connais pas|ne suis pas (?:\w+ )?(?:sûre?|certaine?))

\bne (?:peux|puis|suis pas en mesure d[e']|pourrais) ?(?:\w+ )?(?:pas )?(?:savoir|voir\b|entendre|trouver
|accéder (?:aux|à (?:des|vos
|internet|l'))|ouvrir|consulter|prédire|prévoir|vérifier|garantir|confirmer|naviguer|deviner)
""",
    caveat=r"""
\b(?:conseils?|avis|diagnostics?)(?: \w+)? (?:médica|juridique|financier|fisca|professionnel)
""",
    later="""
je ne p
je ne sui
je ne vais
je ne four
je refuse
il m'est
nous ne pouv
""",
    offer=r"""
\b(?:mais|cependant|toutefois|néanmoins|en revanche)\b[^.!?]{0,100}?\b(?:je peux[^.!?]{0,60}?(?:expliquer|donner
|fournir|dire|décrire
|indiquer|montrer)|voici)\b(?![^.!?]{0,100}(?:alternativ|autre|plutôt|sécur|légal|éthique|ressource|si vous|si tu))
""",
)
