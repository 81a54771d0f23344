"""Corrective language in German and Dutch, as data; :mod:`_corrective` says how it is read."""

__all__ = ["GERMANIC"]

_GERMAN = {
    "cues": """
nein nee nö ne nicht falsch falsche falscher falschen meinte meine gemeint gefragt fragte wollte spreche rede
vergessen
übersehen ignoriert missverstanden missverständnis missverstehst verwechselst verwechselt stimmt irrst unsinn
quatsch
blödsinn kein keine keinen sondern verkehrt fehler lies aufgabe daneben verstehst ausgelassen fehlt fehlerhaft
inkorrekt unzutreffend beantwortet sinn verstanden gesagt geschrieben
frage hätte eigentlich korrektur berichtigung suche brauche möchte
""",
    "intro": r"""(?:(?:oh|ah|äh+|ähm|hm+|naja|na ja|also|ok|okay|sorry|entschuldig\w*|tut mir leid|moment|halt
|stopp?
|hey|aber|und|ja|doch|bitte|danke|sehr nett|leider|tja|ach|ach so|nun|mensch|hallo|schade|fast|eigentlich|achso|gut)
[,.!?;: -]{1,4}){0,4}""",
    "explicit": r"""
(?:START|\b(?:nein|nee|aber|sondern|sorry|und) )(?:ich |damit |eigentlich )?(?:meinte|meine)(?: ich)?(?: doch| aber
| ja
| eigentlich| damit| eher| natürlich| nur)* (?:den|die|das|dem|der|nicht|in|im|mit|von|vom|wie|was|wer|wann|wo
|welche\w*
|ob|als|ein\w*|mit|etwas|es|hier|jemand\w*|eher)\b(?! ernst| gut)

\b(?:ich|das) (?:habe |hab )?(?:\w+ ){0,4}?(?:nicht |anders |eigentlich )(?:so )?(?:gemeint|gefragt|gesagt|gewollt
|verlangt|gewünscht)\b

\bgemeint (?:ist|war|habe ich|hab ich)\b

\bwas ich (?:eigentlich |wirklich )?(?:meinte|wollte|fragte|wissen wollte)\b

\b(?:das|es|dies|die antwort|deine antwort|ihre antwort|die antwort|deine rechnung|die übersetzung|der code)
(?: so| aber| leider| doch| immer noch| jetzt| gar| überhaupt| völlig| komplett| einfach| auch)* ?(?:ist|war|sind
|stimmt
|stimmen|passt)(?: so| aber| leider| doch| immer noch| jetzt| gar| überhaupt| völlig| komplett| einfach| auch| ja
| noch
| schlicht| ganz| teilweise| alles)* (?:nicht(?: das| die| der| den| was| wonach| richtig| korrekt| ganz| so| mein
| wahr
| ganz richtig|[.,!]|$)|falsch(?!e)|verkehrt|quatsch|unsinn|blödsinn|inkorrekt|fehlerhaft|unzutreffend|gelogen)

\b(?:stimmt|passt)(?: so| aber| leider| doch| immer noch| gar| überhaupt| ja)* nicht\b(?! überein)

\bnicht (?:das|die|der|den|dem|danach|davon|darum|darüber)?,? ?(?:was|wonach|worum|wovon|die|den|das|der
|nach dem)? ?ich
(?: \w+){0,4}? ?(?:meinte|wollte|gemeint|gefragt|gesagt|suche|suchte|fragte|gesucht|brauche|wissen)

\b(?:danach|darum|davon|das|so) (?:habe?|hatte
|wollte) ich (?:dich |sie |doch |aber |auch |ja )?(?:gar |überhaupt )?nicht

\bich (?:habe|hab|hatte)(?: doch| dich| sie| eigentlich| aber| ja| explizit| ausdrücklich| schon| bereits| nur
| dir)*
 (?:nach|um|nicht|von|über|etwas anderes)\b[^.!?]{0,60}?\b(?:gefragt|gebeten|gemeint|gesagt|gesprochen|geredet
|verlangt
|gesucht|geschrieben)\b

\bich (?:fragte|sprach|spreche|rede|redete|suchte)(?: doch| aber| eigentlich| ja| hier)* (?:nach|nicht|von|über)\b

^INTRO(?:nein[,.!;: -]{1,4})?ich (?:wollte|will)(?: doch| aber| eigentlich| ja| nur)* (?:wissen|(?<=te )nicht|den
|die|das|etwas
 ander\w+)\b

\b(?:du|sie) (?:hast|haben|hattest)(?: \w+){0,5}? (?:vergessen|übersehen|ignoriert|ausgelassen|weggelassen|falsch
|missverstanden|verwechselt|nicht (?:\w+ )?(?:beantwortet|verstanden|berücksichtigt|beachtet|erwähnt|gelesen
|geantwortet
|befolgt)|einen? fehler|keine? (?:antwort|\w+ (?:gegeben|genannt)))

\b(?:hast|haben) (?:du|sie)(?: \w+){0,4}? (?:vergessen|übersehen|missverstanden|falsch verstanden|verwechselt)[.!,]

\bdu (?:irrst|verstehst|verwechselst|missverstehst|liegst|täuschst|antwortest|beantwortest|ignorierst|hörst|liest
|laberst
|erfindest|halluzinierst|wiederholst)\b

\b(?:missverstanden|missverständnis|falsch verstanden|am thema vorbei|themaverfehlung|frage verfehlt)\b

\b(?:beantwortet|hat)(?: doch| aber| leider| gar)* (?:nicht |(?:meine|die) frage (?:nicht|gar nicht|überhaupt nicht)
|nichts mit (?:meiner|der) frage)

\b(?:ergibt|macht)(?: doch| aber| so| für mich)* kein\w* sinn

\blies (?:bitte )?(?:meine|die|noch ?mal|nochmals|genau|doch)\b[^.!?]{0,40}?(?:frage|nachricht|aufgabe|genau
|richtig)

^INTRO(?:leider |immer noch |total |völlig |komplett |wieder )?(?:falsch\w{0,2}|verkehrt|nicht (?:richtig|korrekt
|ganz
|der|die|das|den|so|wahr|diese\w?)|stimmt nicht|quatsch|unsinn|blödsinn|daneben|inkorrekt)(?: antwort\w*|[.,!;:-]|$
| du | das | ich | es | die )

^INTRO(?:nein[,.!;: -]{1,4})?(?:nicht|kein\w*) [^.!?]{1,60}?, ?sondern\b
""",
    "no": r"nein|nee|neee|doch nicht",
    "benign": r"""
danke|vielen|dank|besten|herzlichen|das (?:ist|war|wär\w*)(?:'s| es)? ?(?:alles|gut|ok|okay|perfekt|super|toll|in
 ordnung|genug|nicht nötig|schon|erst|es\b|prima|klar|mein)|das (?:reicht|passt|war's|wars|genügt|hilft|geht|weiß
|brauche)
|alles|passt|schon gut|kein|nichts|noch nicht|nicht (?:wirklich|nötig|notwendig|mehr|unbedingt|jetzt|heute|dass)|ich
 (?:hab|habe|bin|brauche|möchte|mag|weiß|weiss|kann|glaube|denke|will|hätte|esse|nutze|wohne|arbeite|lebe|nehme
|schaffe
|kenne|komme)|mehr|gern|super|perfekt|prima|gut|ok|okay|toll|klar|mach|bitte (?:weiter|mach|nur)|lass|du (?:hast
|warst)
|weiter|wir|mir|mein|aber (?:danke|gern)|es (?:ist|war|geht|reicht|gibt|passt)|egal|nie|erst|später|reicht|stimmt\b
""",
    "denial": r"""
\bich hätte (?:\w+ ){0,3}?(?:sagen|fragen|schreiben|erwähnen|präzisieren|dazusagen|klarstellen) (?:sollen|müssen)\b

\bmeine frage (?:war|bezog|betraf|zielte|lautete|ging)\b(?! (?:noch|auch|nur,? ob))

^INTRO(?:ich (?:wollte|suche|suchte|brauche|meinte) (?:ja |doch )?eigentlich|eigentlich (?:wollte|suche|suchte|brauche
|meinte) ich)\b(?! (?:auch|noch|nur fragen))

^INTRO(?:nein,? )?ich (?:will|wollte|brauche|suche|suchte|möchte) (?:ja |doch |nur )?(?:d(?:en|ie|as|em)
|wissen)\b[^.!?]{1,50}, (?:und )?(?:nicht|kein\w*) [^.!?]{2,40}[.!]?$

\bnein,? (?:ich (?:suche|brauche|will)|sag mir|gib mir|zeig mir|nenn mir|such)\b(?! (?:nichts|keine?n?)\b)

^INTRO(?:korrektur|berichtigung) ?[:,.-]

^INTRO(?:(?:nein|nee+|nö+)[,.!?;: -]*){1,4}$

^INTRO(?:nein|nee|nö) (?:ich (?:meine|meinte|wollte|will wissen|rede)|die|der|das|den|was|wer|wo|wann|wie|warum
|nicht|du
|es geht|sondern|in|im)\b(?! (?:ist|war) (?:gut|ok|alles|super))(?!.{0,60}\bdanke\b)

^(?!bitte|.{0,40}\bbitte)INTRO(?:nicht) (?:die|der|das|den|dem|in|im|an|am|über|von|diese\w?)\b
""",
}
_DUTCH = {
    "cues": """
nee neen niet fout foute verkeerd verkeerde bedoelde bedoel bedoeling vroeg gevraagd vergeten begrepen vergist klopt
onjuist onzin geen slaat juist overgeslagen genegeerd zocht had lees antwoord
vraag eigenlijk correctie rectificatie zoek
""",
    "intro": r"""(?:(?:oh|ah|eh+|uh+|hm+|nou|sorry|pardon|wacht|maar|en|ja|ok|oké|bedankt|dank je|jammer|helaas
|eigenlijk
|hé|hallo|bijna|goed|excuses|ach|stop|hoi)[,.!?;: -]{1,4}){0,4}""",
    "explicit": r"""
(?:START|\b(?:nee|maar|sorry|en) )ik bedoel(?:de)?(?: eigenlijk| juist| dus| namelijk| toch| gewoon)*(?! het goed)
 (?:de|het|een|niet|in|op|met|van|wat|wie|waar|hoe|wanneer|iets|dat|die|als|over|geen)\b

\b(?:zo|dat|dit) bedoel(?:de)? ik\b[^.!?]{0,20}?\bniet\b

\b(?:dat|daar|zo) (?:vroeg|bedoelde|zei|bedoel) ik (?:\w+ ){0,2}?niet\b

\bwat ik (?:eigenlijk |echt )?(?:bedoelde|bedoel|vroeg|wilde weten|wou weten)\b

\b(?:dat|dit|het|uw antwoord|je antwoord|jouw antwoord|het antwoord|de berekening|de vertaling|de code) (?:is|was
|klopt
|klopte|zijn)(?: echt| toch| nog steeds| helaas| helemaal| gewoon| volgens mij| ook| maar| allemaal
| totaal)*(?: niet
(?: helemaal| echt)?(?: wat| de| het| juist| correct| waar| goed| die| dat|[.,!]|$)| fout| verkeerd| onjuist| onzin
| incorrect| een fout)

\bklopt (?:\w+ ){0,3}?niet\b

\bniet (?:echt )?(?:wat|waar|de \w+ die|het \w+ dat|degene die) ik\b

\bik (?:vroeg|had|heb)(?: je| jou| u| toch| eigenlijk| alleen| juist| specifiek| al)* (?:naar|om|niet|hoe|wat|wie
|waar
|wanneer|welke)\b(?! naar huis)

\bik (?:had het|heb het|heb|had|vraag|praat|zocht|wilde|wou)(?: \w+){0,2}? (?:over (?:de|het|een)|niet (?:over|naar
|om)
|gevraagd|naar de|weten)\b

\b(?:je|jij|u) (?:hebt|heb|heeft|bent|was)(?: \w+){0,5}? (?:vergeten|overgeslagen|genegeerd|verkeerd|fout
|misbegrepen
|vergist|niet (?:\w+ )?(?:beantwoord|begrepen|gelezen|genoemd|gegeven)|een fout|door elkaar)

\b(?:je|jij|u) (?:begrijpt|begreep|vergist|snapt|verzint|leest|beantwoordt|luistert|herhaalt)(?: \w+){0,2}? (?:niet
|verkeerd|fout|je|jezelf|dingen)\b

\b(?:beantwoordt|antwoord|is)(?: \w+){0,2}? (?:geen antwoord|mijn vraag niet|niet mijn vraag)

\b(?:slaat nergens op|misverstand|verkeerd begrepen|niets te maken met)\b

\blees (?:mijn|de|nog eens|het) (?:vraag|bericht|goed|nog eens)

^INTRO(?:nog steeds |helemaal |weer )?(?:fout|verkeerd|onjuist|incorrect|onzin|niet (?:goed|juist|correct|die|dat
|de|deze
|waar)|klopt niet|foute antwoord|verkeerde \w+)(?:[.,!;: -]|$)NOASK

^INTRO(?:nee[,.!;: -]{1,4})?(?:niet|geen) [^.!?]{1,50}?, ?maar\b
""",
    "no": r"nee|neee|neen|nee hoor",
    "benign": r"""
bedankt|dank|dat (?:is|was)(?:'t| het)?
 ?(?:alles|goed|prima|genoeg|ok|oke|niet nodig|fijn|het|perfect|duidelijk|mijn)|dat (?:hoeft|volstaat)|alles|niets
|niks
|hoeft|geen|nog niet|niet (?:echt|nodig|meer|nu|vandaag)|ik (?:heb|ben|hoef|denk|weet|wil|kan|geloof|eet|woon|ga)
|het
 (?:is|hoeft|was) (?:goed|prima|niet|ok)|prima|perfect|goed|ok|ga |laat|je hebt gelijk|wij|we |maar bedankt|liever
|mijn
|alleen|misschien|nooit
""",
    "denial": r"""
\bik had (?:\w+ ){0,3}?(?:moeten|behoren te) (?:zeggen|vragen|schrijven|vermelden|verduidelijken|specificeren)\b

\bmijn vraag (?:ging|was|betrof|sloeg)\b(?! (?:nog|ook))

\b(?:was|is) (?:helemaal )?(?:mijn vraag niet|niet mijn vraag)\b

^INTRO(?:ik (?:wilde|wou|zocht|zoek) (?:toch )?eigenlijk|eigenlijk (?:wilde|wou|zocht|zoek) ik)\b(?! (?:ook|nog))

^INTRO(?:nee,? )?ik (?:wil|wilde|zoek|zocht) (?:de|het|weten)\b[^.!?]{1,50}, (?:en )?(?:niet|geen) [^.!?]{2,40}[.!]?$

^INTRO(?:nee|neen),? (?:ik (?:zoek|wil)|vertel|geef|zeg|laat)\b(?! (?:niets|geen|maar)\b)

^INTRO(?:correctie|rectificatie) ?[:,.-]

^INTRO(?:(?:nee+|neen)[,.!?;: -]*){1,4}$

^INTRO(?:nee|neen) (?:ik (?:bedoel|vroeg|wil|had)|de|het|die|dat|wat|wie|waar|hoe|wanneer|waarom|niet
|je)\b(?! is (?:goed
|prima|alles))

^INTRO(?:niet) (?:de|het|die|deze|dit|in|op|over|van)\b
""",
}
GERMANIC = (_GERMAN, _DUTCH)
