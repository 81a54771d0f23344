"""Corrective language in French and Italian, as data; :mod:`_corrective` says how it is read."""

__all__ = ["ROMANCE"]

_FRENCH = {
    "cues": """
non nan faux fausse erreur erreurs parlais parle demandais demandé demande voulais oublié trompé trompes incorrect
incorrecte pas compris mal confonds confondu répondu réponds sens relis hors inexact inexacte erroné erronée
contresens
plutôt
question dû devais cherche cherchais veux correction rectification importe n'importe préciser
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

\b(?<!qui )(?:c'?est|cest|c'etait|est|sont|etait|reponse est|etes|es)(?: toujours| encore| totalement| completement
| vraiment| tout
 a fait)* (?:pas (?:ca\b|ce que j|ce dont|la bonne|le bon|correct|juste|vrai\b|exact)|fau(?:x|sse)\b|incorrecte?
|inexacte?
|erronee?|n'importe quoi|hors sujet|une erreur|trompee?)(?! de dire)

\bpas (?:du tout |vraiment |exactement )?(?:ce que|ce dont|celle que|celui que|la \w+ que|le \w+ que)
(?: je| j')[^.!?]{0,30}?(?:demand|voul|parl|dis|cherch|veux|attend)

\bje (?:ne |n')(?:parl\w+|demand\w+|voulais) ?(?:pas|jamais) ?(?:de|du|des|d'|a|ca|la|le|les|parler|dire|que)\b

\bje n'ai (?:pas|jamais) (?:demande|dit|parle|voulu)\b

\bje ne veux pas (?:parler|dire)\b

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
\bj'(?:aurais|avais) (?:peut-etre |bien )?(?:dû|du) (?:\w+ )?(?:préciser|dire|demander|mentionner|écrire)\b

\bma question (?:portait|concernait|était|concerne|porte)\b(?! aussi)

\bce n'(?:est|était) pas (?:du tout )?(?:ma|la) question\b

STARTen (?:fait|réalité),? je (?:voulais|cherche|cherchais)\b(?! (?:aussi|encore|juste te))

\bje (?:cherche|cherchais|voulais|demandais) plutot (?:l[ae]s?|l'|savoir)\b

^INTRO(?:non,? )?je (?:veux|voulais|cherche|cherchais|voudrais) (?:l[ae]s?\b|l'|savoir)[^.!?]{1,50}, (?:et )?(?:pas
|non) [^.!?]{2,40}[.!]?$

^INTROnon,? (?:dis|donne|montre|cherche|trouve)(?:s|z)?(?:-| )(?:moi|l[ae]s?)\b

^INTRO(?:correction|rectification) ?[:,.-]

^INTROn'importe quoi\b

^INTRO(?:(?:non|nan)[,.!?;: -]*){1,4}$

^INTRO(?:non|nan) (?:je (?:parle|parlais|voulais|veux dire|demand)|l[ae]s?|l'|pas|quel\w*|qui|comment|c'est pas
|ce n'est
 pas|plutot|mais|en fait)\b

^INTRO(?:pas) (?:l[ae]s?|celui|celle|l'|ce|cette|en|au|du|de la)\b(?! (?:peine|moment|probleme|souci))
""",
}
_ITALIAN = {
    "cues": """
no non sbagliato sbagliata sbagliati sbagliando sbagli errore errori errato errata intendevo intendo chiesto
chiedevo
chiedo parlavo parlo dimenticato volevo capito frainteso falso senso riferivo riferisco corretto scorretto confuso
bensì
confondi ignorato saltato cercavo rileggi inesatto
domanda dovuto realtà voglio cerco correzione rettifico macché dici dimmi
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
\bavrei dovuto (?:specificare|dire|chiedere|precisare|chiarire|scrivere|menzionare)\b

\bla mia domanda (?:riguardava|era|si riferiva|verteva)\b(?! anche)

\bnon (?:è|era) (?:questa |quella )?(?:la mia|la) domanda\b

STARTin realtà,? (?:io )?(?:volevo|cercavo)\b(?! anche)

^INTRO(?:no,? )?(?:voglio|volevo|cerco|cercavo) (?:il|la|lo|i|le|gli|sapere
|l')[^.!?]{1,50}, (?:e )?non [^.!?]{2,40}[.!]?$

^INTROno,? (?:dimmi|dammi|mostrami|cerca|trova)\b

^INTRO(?:correzione|rettifico) ?[:,.-]

^INTRO(?:ma )?(?:che dici|cosa dici|macché|che sciocchezza)\b

^INTRO(?:no+[,.!?;: -]*){1,4}$

^INTRO(?:no) (?:intend\w+|il|gli|volevo|parl\w+|che cosa|chi|quando|dove|quale|come)\b
""",
}
ROMANCE = (_FRENCH, _ITALIAN)
