"""Corrective language in French, Spanish, Italian and Portuguese, as data; :mod:`_corrective` says how it is read."""

__all__ = ["ROMANCE"]

_FRENCH = {
    "cues": """
non nan faux fausse erreur erreurs parlais parle demandais demandé demande voulais oublié trompé trompes incorrect
incorrecte pas compris mal confonds confondu répondu réponds sens relis hors inexact inexacte erroné erronée
contresens
plutôt
""",
    "intro": r"""(?:(?:oh|ah|euh+|heu|hm+|bon|ben|bah|mais|et|ok|désolée?|pardon|excuse\w*(?:-moi)?|attends?
|attendez|alors
|oui|merci|s'il te plait|s'il vous plait|en fait|enfin|dommage|presque|hé|bonjour|malheureusement|hmm|d'accord)
[,.!?;: -]{1,4}){0,4}""",
    "explicit": r"""
\bje (?:parlais|demandais|faisais référence|cherchais|parle|fais référence|veux (?:dire|parler)
|voulais (?:dire|parler|plutot)|pensais (?:plutot )?(?:a\b|au\b)|entendais|disais)\b(?! merci| avec| francais
| anglais)

\bce n'? ?est (?:vraiment |absolument |toujours )?pas (?:du tout |tout a fait |vraiment |exactement )?(?:ce que
|ce dont
|ca\b|celui|celle|la (?:bonne|question|reponse)|le bon|correct|juste|vrai|exact|bon\b|ma question|cela|a propos
|l[ae]
\w+ (?:que|dont) (?:je|j'))

\b(?:c'?est|cest|c'etait|est|sont|etait|reponse est|etes|es)(?: toujours| encore| totalement| completement
| vraiment| tout
 a fait)* (?:pas (?:ca\b|ce que j|ce dont|la bonne|le bon|correct|juste|vrai\b|exact)|fau(?:x|sse)\b|incorrecte?
|inexacte?
|erronee?|n'importe quoi|hors sujet|une erreur|trompee?)(?! de dire)

\bpas (?:du tout |vraiment |exactement )?(?:ce que|ce dont|celle que|celui que|la \w+ que|le \w+ que)
(?: je| j')[^.!?]{0,30}?(?:demand|voul|parl|dis|cherch|veux|attend)

\bje (?:n'ai|ne|n') ?(?:parl\w+|demand\w+|voul\w+|ai|veux|dis\w*) ?(?:pas|jamais) ?(?:de|du|des|d'|a|demande|dit
|parle|ca
|la|le|les|parler|dire)\b

\b(?:je|j') ?(?:t'|vous |te )?(?:ai|avais)(?: pourtant| bien| deja| juste| precise\w*| seulement)? (?:demande|dit
|precise
|parle)\b(?! (?:a|au) (?:ma|mon|mes|un))

\b(?:tu|vous)(?: n'| ne| t'| vous| m'| l'| as| avez| es| etes| n'as| n'avez| t'es| vous etes| m'as
| m'avez)*(?: encore
| toujours| completement| mal| pas| juste| bien| aussi| visiblement)* ?(?:oublie|trompe|ignore|confond|mal compris
|mal lu
|pas compris|pas repondu|rate|manque|omis|saute|fait (?:une|des) erreurs?|compris de travers|melange|reponds pas
|repondez pas|comprends pas|comprenez pas|ne reponds|ne repondez|inventes?|inventez|pas lu|pas tenu compte|repetes)

\b(?:ne|n'a|n') ?(?:repond\w*|repondu|rien a voir|aucun sens|pas de sens|a pas de sens|a aucun sens)\b

\brien a voir\b

\bpas (?:repondu|repond)\b

\b(?:relis|relisez|reli|lis bien|lisez bien)\b

\b(?:malentendu|mal compris|hors sujet|hors-sujet)\b

^INTRO(?:non[,.!;: -]{1,4})?(?:toujours |encore |completement |totalement )?(?:faux|fausse|incorrecte?|inexacte?
|erreur
|n'importe quoi|mauvaise? \w+|pas (?:ca|celui|celle|la bonne|correct|exact\w*|tout a fait|du tout|vrai))
(?:[.,!;: -]|$)NOASK

^INTRO(?:non[,.!;: -]{1,4})?(?:pas|non pas) [^.!?]{2,50}, ?(?:mais|plutot|l[ae]s?|un|une|celui|celle|je)\b
""",
    "no": r"non|nan",
    "benign": r"""
merci|c'?est (?:bon|tout|parfait
|ok|gentil|super|deja|clair|bien|suffisant|la premiere)|ca (?:va|ira|suffit|me va|marche|ne fait rien|c'est)|rien
|pas
 (?:encore|vraiment|besoin|de (?:souci|probleme)|pour|maintenant|grave|la peine|du tout merci|specialement
|particul)|je
 (?:n'ai|suis|n'en|crois|pense|ne (?:sais|pense|crois|peux|suis|mange|connais)|prefere|vais|vous|te|vis|prends
|voudrais)
|j'ai|j'aime|aucun\w*|tout|parfait|super|bien|ok|d'accord|continu|vas-y|allez|laisse|tu as raison|vous avez
|il (?:n'y
|est|a)|on|nous|seulement|juste|plus|jamais|desole|mon|ma|mes|peut-etre|a bientot|au revoir|pour l'instant|elle
""",
    "denial": r"""
^INTRO(?:(?:non|nan)[,.!?;: -]*){1,4}$

^INTRO(?:non|nan) (?:je (?:parle|parlais|voulais|veux dire|demand)|l[ae]s?|l'|pas|quel\w*|qui|comment|c'est pas
|ce n'est
 pas|plutot|mais|en fait)\b

^INTRO(?:pas) (?:l[ae]s?|celui|celle|l'|ce|cette|en|au|du|de la)\b(?! (?:peine|moment|probleme|souci))
""",
}
_SPANISH = {
    "cues": """
no nop nel mal incorrecto incorrecta equivocado equivocada equivocas equivocaste error errores falso falsa refería
refiero
refería pregunté preguntaba pregunte pedí pedi olvidaste olvidado quería quise decir entendiste entendido
malentendido
sentido confundiste confundes hablaba hablando hablo sino inventando respondiste respondes erróneo errónea faltó
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
^INTRO(?:(?:no+|nop)[,.!?;: -]*){1,4}$

^INTRO(?:no) (?:me refería|me refiero|quiero decir|quise|el|los|las|que (?:es|hay)|quien|cuando|donde|cual)\b
(?! (?:verdad|problema))
""",
}
_ITALIAN = {
    "cues": """
no non sbagliato sbagliata sbagliati sbagliando sbagli errore errori errato errata intendevo intendo chiesto
chiedevo
chiedo parlavo parlo dimenticato volevo capito frainteso falso senso riferivo riferisco corretto scorretto confuso
bensì
confondi ignorato saltato cercavo rileggi inesatto
""",
    "intro": r"""(?:(?:oh|ah|eh+|ehm|mmm*|hm+|ma|e|ok|okay|be'?|beh|scusa|scusami|mi dispiace|aspetta|senti|sì
|grazie
|in realtà|veramente|però|quasi|ciao|allora|purtroppo|va bene|perdonami|no dai)[,.!?;: -]{1,4}){0,4}""",
    "explicit": r"""
\b(?:io |cio che |quello che )?(?:intendevo|mi riferivo|mi riferisco)\b

(?:START|\b(?:no|ma|non) )(?:io )?(?:intendo (?:il|la|lo|i|le|gli|un|una|l'|in|dire|quell\w|di|come|nel)|volevo dire
|voglio dire|parlavo|parlo|sto parlando|stavo parlando|chiedevo|stavo chiedendo|sto chiedendo|cercavo|ti ho chiesto
|ho chiesto|avevo chiesto|ti avevo chiesto|ti chiedevo|volevo sapere|ho detto)\b(?! (?:a mi|al mio|alla mia
|italiano))

\b(?<!proprio )(?<!esattamente )(?<!e )(?<!era )quello che (?:ti )?(?:ho chiesto|avevo chiesto|chiedevo|volevo
|intendevo|cercavo)\b

\b(?:questo|questa|quello|quella|cio|la risposta|la tua risposta|il risultato|il codice|la traduzione)?(?: ?ancora
| ?sempre
)?(?:non (?:e|è|era) (?:quello che|quella che|cio che|corrett\w|giust\w|vero|esatt\w|cosi|la risposta|quello\b
|questo\b
|quanto)|(?:e|è|era) (?:completamente |totalmente |ancora |tutto |del tutto )?(?:sbagliat\w|errat\w|scorrett\w
|fals\w
|inesatt\w|un errore))NOASK

\bnon (?:ti )?(?:ho chiesto|ho detto|ho parlato|parlavo|sto parlando|intendevo|intendo|volevo dire|mi riferi\w+
|avevo
 chiesto|chiedevo|sto chiedendo)\b

\b(?:ti sei|si e|hai|ha|avete|ti stai)(?: \w+){0,3}? (?:sbagliat\w|dimenticat\w|ignorat\w|saltat\w|confus\w
|frainteso
|capito male|confondendo|sbagliando|omesso|un errore|fatto (?:un )?error\w|inventat\w|tralasciat\w)\b

\bnon (?:hai|mi hai|ha|mi stai|stai)(?: \w+){0,2}? ?(?:rispost\w|capit\w|lett\w|inclus\w|considerat\w|seguit\w
|menzionat\w
|rispondendo|ascoltando|capendo|tenuto)\b

\b(?:ti sbagli|stai sbagliando|fraintendi|ti confondi|non capisci|non rispondi|non risponde)\b

\b(?:malinteso|frainteso|non ha (?:\w+ )?senso|non c'entra|niente a che (?:fare|vedere)|nulla a che)\b

\b(?:rileggi|leggi (?:bene|meglio)|leggi la mia)\b

^INTRO(?:no[,.!;: -]{1,4})?(?:è |ancora |tutto |completamente |risposta )?(?:sbagliat\w|errat\w|scorrett\w|falso
|errore
|inesatt\w|non (?:è )?(?:corretto|giusto|esatto|vero|quello|questo|quella|proprio))(?:[.,!;: -]|$)NOASK

^INTRO(?:no[,.!;: -]{1,4})?non [^.!?]{1,50}?, ?(?:ma|bensi)\b(?! (?:grazie|va bene|puoi))(?<!non so, ma)
""",
    "no": r"no|noo|nooo",
    "benign": r"""
grazie|mille|niente|nient|va bene|va benissimo
|basta|(?:è|questo è|cosi è|per ora è) (?:tutto|ok|perfetto|sufficiente|la prima|a posto|il mio)|tutto|niente|nulla
|nessun\w*
|non (?:ancora|proprio|serve|importa|c'è|ho|sono|preoccuparti|credo|so|posso|mi|necessariamente|oggi|ora|mangio|uso
|vivo)
|ho |sono|penso|credo|preferisco|vorrei|voglio|a posto|perfetto|ottimo|per (?:ora|adesso|il momento)|meglio|solo|ok
|hai
 ragione|continua|vai|lascia|il mio|la mia|ci |mai|più|abbiamo|forse
""",
    "denial": r"""
^INTRO(?:no+[,.!?;: -]*){1,4}$

^INTRO(?:no) (?:intend\w+|il|gli|volevo|parl\w+|che cosa|chi|quando|dove|quale|come)\b
""",
}
_PORTUGUESE = {
    "cues": """
não nao no errado errada erro erros errou errei falso incorreto incorreta quis queria refiro referia perguntei pedi
perguntando pergunta esqueceu entendeu entendido confundiu confundindo sentido falava falando ignorou equivocado
enganou
equivocada enganado sim
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
^INTRO(?:nao+[,.!?;: -]*){1,4}$

^INTRO(?:nao) (?:eu (?:quis|quero dizer|perguntei|queria|estava)|quis dizer|o (?!suficiente)|a (?!minha)|os|as|quem
|qual
|quando|onde)\b

^INTRO(?:nao) (?:o|a|os|as|esse|essa|este|esta|em)\b(?! que)
""",
}
ROMANCE = (_FRENCH, _SPANISH, _ITALIAN, _PORTUGUESE)
