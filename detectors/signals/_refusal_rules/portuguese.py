"""Portuguese."""

from detectors.signals._refusal_rules.rules import LanguageRules

__all__ = ["RULES"]

_HELPS = r"""(?:ajud|fornec|respond|dar\b|dar-|assist|atend|cria|escrev|particip|apoi|compartilh|partilh|cumpri
|oferec|fazer|ger[ae]r
|incentiv|promov|explica|traduz|indica|suger|recomend|discuti|prosseguir|satisfaz|descrev|revel|auxili|dizer como
|redigi)"""

RULES = LanguageRules(
    fragments={"HELPS": _HELPS},
    inability=r"""
\b(?:não|nao) (?:(?:te|lhe|o|a|lhes) )?(?:posso|podemos|poderei|poderia|consigo|sou capaz de|estou autorizad[oa] a
|estou em condições de|me é possível|fui programad[oa] para)(?: \w+){0,3}? HELPS

\b(?:não vou|nao vou|não devo|nao devo)(?: \w+){0,2}? HELPS

\b(?:desculp\w+|sinto muito|infelizmente|lamento|perdão|peço desculpa\w*)\b[^.!?]{0,60}?\b(?:não|nao) (?:posso
|podemos|poderei
|consigo|sou capaz|estou autorizad|me é possível)
""",
    unwilling=r"""
\b(?:recuso-me a|me recuso a|(?:devo|tenho de|tenho que|preciso|prefiro) (?:\w+ )?(?:recusar|declinar|rejeitar))
""",
    policy=r"""
\b(?:contra os meus|contra as minhas|viola os meus|viola as minhas|encontro aos meus)\b
""",
    moral=r"""
\b(?:ilegal e (?:\w+ )?(?:antiétic|imoral|prejudicial)|(?:antiétic[oa]|imoral|prejudicial) e ilegal)

^(?:desculp\w+|sinto muito|lamento),? mas [^.!?]{3,200}?\b(?:é|são|seria|pode ser)\b[^.!?]{0,40}?(?:ilegal|imoral
|antiétic|inaceitável|inadequad|prejudicial|um crime|perigos[oa]s? e)

\bnão (?:só|apenas) é (?:\w+ )?(?:ilegal|imoral|antiétic|prejudicial|perigos)
""",
    lecture="""
ilegal, antiétic, não ético, não é ético, imoral, inaceitável, inadequad, inapropriad, prejudicial, nociv, cruel,
repreensível, irresponsável, condeno, um crime, muito perigos, extremamente perigos, errado, contra a lei, viola

não deve, nunca, jamais, não é aceit, não é apropriad, não é corret, não é just, não é uma boa ideia,
não se justifica, nenhuma justificativa, nenhuma razão

é importante, é fundamental, é essencial, é crucial, é necessário, devo ressaltar, devo enfatizar,
preciso ressaltar

discrimin, igualdade, dignidade, respeit, direitos, direito a, direito de, independentemente, inclusiv, compaixão,
empatia, preconceito, diversidade, toler, estereótip, étic

todas as pessoas, todos os seres, cada pessoa, os outros, outras pessoas, ninguém, qualquer pessoa, qualquer forma

recomendo, aconselho, encorajo, incentivo você, sugiro, em vez, por favor, procure ajuda

consequências, sofrimento, violência, ódio, danos, sanções
""",
    unknowing=r"""
\b(?:não|nao) (?:tenho|disponho de|possuo)\b[^.!?]{0,50}?(?:acesso|informaç|dados|conhecimento|opini|experiência
|como saber)

\b(?:não|nao) (?:sei\b|conheço|tenho (?:\w+ )?certeza)

\b(?:não|nao) (?:posso|consigo|sou capaz de|poderia) (?:\w+ )?(?:saber|ver\b|ouvir|encontrar|acessar|aceder|abrir
|consultar|prever
|verificar|garantir|confirmar|navegar|assegurar|adivinhar)
""",
    caveat=r"""
\b(?:conselhos?|aconselhamento|consultoria|diagnósticos?|orientação)(?: \w+)? (?:médic|jurídic|legal|legais
|financeir|fisca|profissiona)
""",
    later="""
não posso
nao posso
não consigo
não vou
não podemos
não poderei
me recuso
recuso-me
""",
    offer=r"""
\b(?:mas|porém|no entanto|contudo|entretanto|todavia)\b[^.!?]{0,100}?\b(?:posso[^.!?]{0,60}?(?:explicar|dar|dizer
|fornecer|mostrar
|descrever|indicar)|aqui (?:estão|está|vai|vão))\b(?![^.!?]{0,100}(?:alternativ|outr[oa]|em vez|segur|lega|étic
|recurso|se ))
""",
)
