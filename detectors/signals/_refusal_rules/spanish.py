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

^lo (?:siento|lamento)(?: mucho)?,? pero [^.!?]{3,200}?\b(?:es|son|sería|puede ser)\b[^.!?]{0,40}?(?:ilegal|inmoral
|poco étic|no étic|inaceptable|inapropiad|dañin|un delito|un crimen|peligros[oa]s? e)

\bno sol(?:o|amente) es (?:\w+ )?(?:ilegal|inmoral|poco étic|dañin|peligros)
""",
    lecture="""
ilegal, poco étic, no ético, antiétic, inmoral, inaceptable, inapropiad, inadecuad, dañin, perjudicial, cruel,
reprobable, irresponsable, condeno, un delito, un crimen, muy peligros, extremadamente peligros, incorrecto,
va contra la ley, viola, infringe

no debe, nunca, jamás, no es acepta, no es apropiad, no es étic, no es correcto, no es justo, no está bien,
no es una buena idea, no se justifica, ninguna justificación, ninguna razón, no hay excusa

es importante, es fundamental, es esencial, es crucial, es necesario, debo señalar, debo enfatizar, debo recordar

discrimin, igualdad, dignidad, respet, derechos, derecho a, independientemente, sin importar su, inclusiv,
compasión, empatía, prejuicio, diversidad, toleran, estereotip, étic

todas las personas, todos los seres, todo el mundo, toda persona, cada persona, los demás, otras personas, nadie,
cualquier persona, cualquier forma

te animo, le animo, te aconsejo, le aconsejo, te recomiendo, le recomiendo, te sugiero, le sugiero, en su lugar,
en lugar de, por favor, busca ayuda, busque ayuda

consecuencias, sufrimiento, violencia, odio, daño, sanciones
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
