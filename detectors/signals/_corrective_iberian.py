"""Corrective language in Spanish and Portuguese, as data; :mod:`_corrective` says how it is read."""

__all__ = ["IBERIAN"]

_SPANISH = {
    "cues": """
no nop nel mal incorrecto incorrecta equivocado equivocada equivocas equivocaste error errores falso falsa refería
refiero
refería pregunté preguntaba pregunte pedí pedi olvidaste olvidado quería quise decir entendiste entendido
malentendido
sentido confundiste confundes hablaba hablando hablo sino inventando respondiste respondes erróneo errónea faltó
pregunta debí debería debía tendría realidad busco buscaba quiero corrección rectifico tontería disparate dime
""",
    "intro": r"""(?:(?:oh|ah|eh+|em+|mmm*|hm+|pero|y|ok|okay|bueno|perdón?|perdona|disculpa|lo siento|espera|oye|sí
|gracias
|en realidad|pues|a ver|casi|hola|ay|uy|por favor|lamentablemente|vale)[,.!?;: -]{1,4}){0,4}""",
    "explicit": r"""
\b(?:me|m) (?:refiero|refería|referia|referi)\b

(?:START|\b(?:no|pero|sino|perdon) )(?:yo |lo que )?(?:quería|quise|quiero) (?:decir|que me (?:dijeras|digas))\b

(?:START|\bpero |\bno )(?:yo )?(?:te |le |os )?(?:pregunté|pedí|preguntaba|pedía|estaba preguntando|hablaba de
|hablo de
|estoy hablando de|estaba hablando de|estoy preguntando|buscaba|había pedido|había preguntado)\b

\b(?<!justo )(?<!exactamente )(?<!es )(?<!era )(?:lo que|la que|el que) (?:yo )?(?:te |le )?(?:pregunté|pedí|pedi
|quería|queria|preguntaba|buscaba|necesitaba|dije)\b

\b(?:eso|esto|esa|ese|esta|este|es|está|estan?|la respuesta|tu respuesta|el resultado|el codigo)(?: todavia| aun
| totalmente| completamente| sigue| es| está| esta| siendo| muy)* (?:no es (?:lo que|la que|el que|correct\w|verdad
|ciert\w
|asi|la respuesta|eso|exact\w)|no (?:tiene (?:nada que ver|sentido)|responde|contesta|me sirve|funciona|está bien
|esta bien|era|fue lo que)|mal\b(?! visto)|incorrect\w|equivocad\w|errone\w|falso|un error|una equivocacion
|mentira)NOASK

^INTRO(?:no[,.!;: -]{1,4})?no es (?:eso|esa|ese|lo que|la que|el que|correct\w|asi|cierto|verdad|exact\w)\b

\bno (?:te |le |os |lo )?(?:pregunté|pedí|pedi|dije|hablaba|estoy hablando|estoy preguntando|me refiero|me refería
|era lo que|es lo que|quise decir|quería decir|estaba hablando|estaba preguntando)\b

\b(?:te|se) (?:has |ha |haya )?(?:equivoca\w*|olvid\w+|confund\w+|salta\w*)(?! (?:de mi|el paraguas))\b

\b(?:olvidaste|ignoraste|omitiste|confundiste|equivocaste|malinterpretaste|inventaste|te faltó|te falta
|has (?:olvidado
|ignorado|omitido|confundido|malinterpretado|entendido mal|cometido)|cometiste|entendiste mal|malentendiste)\b

\b(?:no|ni) (?:me |has |lo |la )*(?:has |estas |está )?(?:entend(?:iste|ido|es|iendo)|respond(?:iste|ido|es|iendo)
|contest(?:aste|ado|as)|leiste|leido|escuchas|incluiste|seguiste|seguido|mencionaste|comprend\w+)\b(?! el paso)

\b(?:malentendido|mal entendido|no tiene sentido|nada que ver)\b

\b(?:lee|relee|leer) (?:bien |otra vez )?(?:mi|la) (?:pregunta|mensaje)

^INTRO(?:sigue |eso |todavía |totalmente |completamente )?(?:mal\b|incorrect\w|equivocad\w|falso|erróne\w|error
|mentira
|respuesta (?:equivocada|incorrecta))(?:[.,!;: -]|$)NOASK

^INTRO(?:no[,.!;: -]{1,4})?no [^.!?]{1,50}?, ?sino\b
""",
    "no": r"no|noo|nooo|nop",
    "benign": r"""
gracias|muchas|mil
|(?:eso|esto|asi|ya) (?:es|está|esta|era|seria) (?:todo|bien|perfecto|suficiente|lo)|con eso|asi|eso es|ya |nada
|ningun\w*
|hay|hace falta|te preocupes|pasa|todavia|aun|por ahora|todo|está|esta bien|perfecto|genial|tranquil\w
|es (?:necesario
|todo|la primera|mi|suficiente)|(?:yo )?(?:tengo|no tengo|soy|estoy|creo|sé|se\b|puedo|prefiero|quiero|vivo|uso
|como\b
|me gusta|nunca|no (?:creo|puedo|sé|se|quiero|necesito|como|he|hace|hay|es necesario|te preocupes|pasa|estoy|soy|uso
|tengo|me gusta))|mejor|solo|gracias|de momento|tienes razon|vale|ok|muy|sigue|continua|dejalo|mi\b|nos|somos|más
|mas
""",
    "denial": r"""
\b(?:debí|debería|debía|tendría que|tenía que) (?:de )?haber (?:dicho|preguntado|especificado|aclarado|precisado
|mencionado)\b

\bmi pregunta (?:era|iba|se refería|trataba|es sobre)\b(?! también)

STARTen realidad,? (?:yo )?(?:quería|buscaba|busco|pedía)\b(?! también)

^INTRO(?:no,? )?(?:yo )?(?:quiero|quería|busco|buscaba) (?:a?l|la|los|las
|saber)\b[^.!?]{1,50}, (?:y )?no [^.!?]{2,40}[.!]?$

^INTROno,? (?:dime|dame|muéstrame|busca|quiero saber)\b

^INTRO(?:corrección|rectifico) ?[:,.-]

^INTRO(?:qué )?(?:tontería|disparate|mentira)\b

^INTRO(?:(?:no+|nop)[,.!?;: -]*){1,4}$

^INTRO(?:no) (?:me refería|me refiero|quiero decir|quise|el|los|las|que (?:es|hay)|quien|cuando|donde|cual)\b
(?! (?:verdad|problema))
""",
}
_PORTUGUESE = {
    "cues": """
não nao no errado errada erro erros errou errei falso incorreto incorreta quis queria refiro referia perguntei pedi
perguntando pergunta esqueceu entendeu entendido confundiu confundindo sentido falava falando ignorou equivocado
enganou
equivocada enganado sim
devia deveria pergunta verdade procuro procurava quero correção corrigindo disparate bobagem diga diz
""",
    "intro": r"""(?:(?:oh|ah|eh+|hum+|hm+|mas|e|ok|okay|bem|bom|desculpa|desculpe|perdão|espera|espere|olha|sim
|obrigad[oa]
|na verdade|então|quase|oi|olá|ai|poxa|infelizmente|peraí|cara)[,.!?;: -]{1,4}){0,4}""",
    "explicit": r"""
\b(?:me refiro|me referia|referia-me|refiro-me|estava me referindo|estou me referindo)\b

(?:START|\b(?:nao|mas|o que) )(?:eu )?(?:quis dizer|queria dizer|quero dizer|perguntei|pedi\b|estava (?:falando
|perguntando
|a falar|a perguntar|procurando)|estou (?:falando|perguntando|a falar|a perguntar)|falava|falei|queria saber
|tinha pedido
|tinha perguntado|disse)\b(?! (?:a|ao|para) (?:meu|minha))

\bo que (?:eu )?(?:perguntei|pedi|queria|quis|estava (?:perguntando|pedindo|procurando)|procurava)\b

\b(?:isso|isto|esse|essa|aquilo|a resposta|sua resposta|a sua resposta|tua resposta|o resultado|o codigo)(?: ainda
| aqui)?
 (?:nao (?:e|era|foi|esta|faz|responde|tem|funciona)(?: bem)? ?(?:o que|a que|corret\w|certo|verdade|bem assim
|sentido
|minha|a minha|nada a ver|a resposta|isso|$|[.,!])|(?:e|esta|continua)(?: \w+)? ?(?:errad\w|incorret\w|fals\w
|equivocad\w
|um erro|mentira))NOASK

^INTRO(?:nao[,.!;: -]{1,4})?nao (?:e|era|foi) (?:isso|esse|essa|o que|a que|corret\w|bem|verdade|assim|nada|este)\b

\bnao (?:te |lhe )?(?:perguntei|pedi|disse|falei|estou falando|estava falando|estou perguntando|quis dizer|me refiro
|me referia|foi o que|e o que|foi isso|era isso|era o que|falava|queria dizer)\b

\b(?:voce|vc|tu|ce)(?: \w+){0,2}? (?:esqueceu|esqueceste|errou|erraste|ignorou|confundiu|pulou|omitiu
|entendeu (?:mal|errado)
|entendeste mal|se (?:enganou|confundiu|equivocou|esqueceu)|esta (?:errad\w|enganad\w|confundindo|inventando
|equivocad\w)
|deixou de|cometeu|inventou|trocou|interpretou|nao (?:\w+ )?(?:entendeu|respondeu|leu|incluiu|mencionou|seguiu
|entendeste|respondeste|considerou))\b

\b(?:nao faz (?:nenhum )?sentido|nada a ver|mal-?entendido|nao responde|entendeu errado|leia (?:de novo|novamente
|a minha
|minha|direito|com aten))\b

^INTRO(?:ainda |tudo |totalmente |esta |ta |resposta |continua )?(?:errad[oa]|incorret\w|falso|erro\b|equivocad\w
|mentira)
(?:[.,!;: -]|$)NOASK

^INTRO(?:nao[,.!;: -]{1,4})?nao [^.!?]{1,50}?, ?(?:mas sim|e sim|mas o|mas a)\b
""",
    "no": r"nao|naoo",
    "benign": r"""
obrigad|muito|valeu|(?:e|era
|isso e|isto e|por enquanto e|esta) (?:so|tudo|isso|suficiente|bom|otimo|perfeito|bem|o meu|a minha|a primeira)
|so isso
|tudo|nada|nenhum\w*|precisa|nao (?:precisa|tenho|sou|estou|acho|sei|ha|tem|se preocupe|quero|posso|como|uso|gosto
|conheco)
|ainda|por (?:enquanto|agora)|(?:eu )?(?:tenho|sou|estou|acho|prefiro|quero|moro|uso|ja|nunca|vou|gosto
|nao (?:tenho|acho
|sei|quero))|perfeito|otimo|esta (?:bem|bom|otimo)|ta (?:bom|otimo|tudo)|tranquilo|sem |de nada|voce (?:tem razao
|esta
 certo)|pode|continue|deixa|meu|minha|nos|melhor|mais|apenas|talvez
""",
    "denial": r"""
\b(?:devia|deveria|tinha de) ter (?:dito|perguntado|especificado|esclarecido|explicado|mencionado)\b

\b(?:a )?minha pergunta (?:era|foi|referia|dizia)\b(?! também)

\bnão (?:é|era|foi) (?:essa |esta )?(?:a )?minha pergunta\b

STARTna verdade,? (?:eu )?(?:queria|procurava|quero saber)\b(?! também)

^INTRO(?:não,? )?(?:eu )?(?:quero|queria|procuro|procurava) (?:o|a|os|as
|saber)\b[^.!?]{1,50}, (?:e )?não [^.!?]{2,40}[.!]?$

^INTROnão,? (?:diga|diz|dê|dá|mostre|procure)(?:-me|s|)\b

^INTRO(?:correção|corrigindo) ?[:,.-]

^INTRO(?:que )?(?:disparate|bobagem|mentira)\b

^INTRO(?:nao+[,.!?;: -]*){1,4}$

^INTRO(?:nao) (?:eu (?:quis|quero dizer|perguntei|queria|estava)|quis dizer|o (?!suficiente)|a (?!minha)|os|as|quem
|qual
|quando|onde)\b

^INTRO(?:nao) (?:o|a|os|as|esse|essa|este|esta|em)\b(?! que)
""",
}
IBERIAN = (_SPANISH, _PORTUGUESE)
