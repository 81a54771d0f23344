"""Spanish."""

from detectors.signals._refusal_rules.rules import LanguageRules

__all__ = ["RULES"]

_HELPS = r"""(?:ayud|proporcion|ofrec|dar\b|darte|darle|respond|cumpl|asist|gener|crear|particip|apoy|brind|escrib
|compart|facilit
|promov|discut|hacer|contest|recomend|complac|suministr|continu|satisf|fomentar|atender|explicar|involucr|traduc
|decirte|decirle
|redact|acceder a (?:tu|su|esta|esa)|indicar|revel|describ|enseñ)"""

RULES = LanguageRules(
    fragments={"HELPS": _HELPS},
    inability=r"""
\bno (?:(?:te|le|les|os|lo|la) )?(?:puedo|podemos|podré|podría|debo|voy a|quiero|me es posible|me está permitido)
(?: \w+){0,3}? HELPS

\b(?:lo siento|lo lamento|disculp\w+|perdón|lamentablemente|desafortunadamente)\b[^.!?]{0,60}?\bno (?:puedo|podré
|podemos
|me es posible|estoy (?:autorizad|en condiciones|capacitad|programad))

\bno (?:soy capaz de|estoy (?:autorizad|programad|diseñad|en condiciones|en posición|capacitad))\w*(?: \w+){0,4}? HELPS
""",
    unwilling=r"""
\b(?:me niego a|(?:debo|tengo que|prefiero) (?:negarme|rechazar|declinar|rehusar))
""",
    policy=r"""
\b(?:en contra de mis|infringe mis|viola mis)\b
""",
    moral=r"""
\b(?:ilegal y (?:\w+ )?(?:poco étic|inmoral|dañin|no étic)|(?:inmoral|poco étic[oa]|dañin[oa]) e ilegal)
""",
    unknowing=r"""
\bno (?:tengo|dispongo de|poseo|cuento con)[^.!?]{0,50}?(?:acceso|información|datos|conocimiento|opinion|experiencia
|manera|forma)

\bno (?:lo sé|sé\b|conozco|estoy segur)

\bno (?:puedo|podría|soy capaz de) (?:\w+ )?(?:saber|ver\b|oír|encontrar|acceder a (?:internet|datos|información
|archivos|tu|sus)
|abrir|consultar|predecir|verificar|garantizar|confirmar|navegar|asegurar|adivinar)
""",
    caveat=r"""
\b(?:consejos?|asesoramiento|diagnósticos?|asesoría)(?: \w+)? (?:médic|legal|jurídic|financier|fiscal|profesional)
""",
    later="""
no puedo
no te puedo
no podemos
no voy a
me niego
no me es pos
""",
    offer=r"""
\b(?:pero|sin embargo|no obstante|aun así)\b[^.!?]{0,100}?\b(?:puedo[^.!?]{0,60}?(?:explicar|dar\w*|decir\w*
|proporcionar|mostrar
|describir|indicar)|aquí (?:tienes|tiene|hay|están))\b(?![^.!?]{0,100}(?:alternativ|otr[oa]|en su lugar|segur|legal
|étic|recurso|si ))
""",
)
