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

^(?:je suis )?(?:\w+ )?(?:désolée?|navrée?),? mais [^.!?]{3,200}?\b(?:est|sont|serait|peut
 être)\b[^.!?]{0,40}?(?:illéga|immora
|contraire à|inacceptable|nuisible|interdit|inappropri|un crime|un délit|dangereu\w+ et)

\bnon seulement (?:\w+ )?(?:illéga|immora|contraire à l'éthique|dangereu|nuisible)
""",
    lecture="""
illégal, contraire à l'éthique, immora, inacceptable, inapproprié, nuisible, cruel, répréhensible, irresponsable,
condamne, un crime, un délit, moralement, très dangereu, extrêmement dangereu, dangereux et, enfreint, viole,
puni par la loi, interdit par la loi

ne devrait pas, ne devrait jamais, ne devraient pas, ne devraient jamais, ne doit pas, ne doit jamais,
ne doivent pas, ne doivent jamais, jamais, n'est pas acceptable, n'est pas approprié, n'est pas éthique,
n'est pas juste, n'est pas correct, n'est pas une bonne idée, n'est pas justifi, aucune justification,
aucune raison, aucune excuse, pas recommandé

il est important, il est essentiel, il est crucial, il est nécessaire, il est primordial, il est impératif,
je dois souligner, je dois vous avertir, je tiens à souligner

discrimin, égalité, dignité, respect, droits, le droit de, quel que soit, quelle que soit, indépendamment de,
inclusi, compassion, empathie, préjugé, diversité, toléran, stéréotyp, éthique, bienveillan

tout le monde, toutes les personnes, tous les êtres, chaque personne, chacun, autrui, les autres, des autres,
personne ne, toute personne, toute forme

je vous encourage, je t'encourage, je vous conseille, je te conseille, je vous recommande, je te recommande,
je vous suggère, je te suggère, plutôt, au lieu, veuillez, s'il vous plaît

conséquences, souffrance, violence, haine, préjudice, nuire, sanctions, blessures
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
