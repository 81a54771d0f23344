"""German."""

from detectors.signals._refusal_rules.rules import LanguageRules

__all__ = ["RULES"]

_HELPS = r"""(?:helfen|unterstütz|beantwort|bereitstell|geben|anbiet|erfüll|nachkomm|liefern|erstell|schreib
|behilflich
|teilen|verfügung|berat|empfehl|förder|generier|beteilig|anleit|ermutig|befürwort|gutheiss|machen|durchführ|bieten
|dienen
|eingehen|sagen,? (?:wie|wo|was|welche)|mitteilen|bewerten|rezensier|argumentier|anbieten|vorschlag|nennen|erklär
|weiterhelfen|verfass|übersetz|besprech|tun\b|assistier|zeigen|verraten|ausführ|entsprech)"""
_NOT = r"\b(?:nicht|keine?[mnrs]?|keinerlei|niemals|nichts)\b"

_WRONG = r"(?:illegal|unethisch|unmoralisch|strafbar)"

RULES = LanguageRules(
    fragments={"HELPS": _HELPS, "NOT": _NOT, "WRONG": _WRONG},
    inability=r"""
\b(?:kann ich|können wir|darf ich|dürfen wir|werde ich|möchte ich
|will ich)\b[^.!?]{0,80}?NOT[^.!?]{0,120}?HELPS

\b(?:ich kann|wir können|ich darf|wir dürfen|ich werde|ich möchte|ich will
|ich könnte)\b[^.!?]{0,80}?NOT[^.!?]{0,120}?HELPS

\b(?:ich bin|bin ich)\b[^.!?]{0,60}?\b(?:nicht (?:in der lage|befugt|berechtigt|dafür|dazu|darauf|befähigt|imstande)
|ausserstande)\b[^.!?]{0,200}?(?:HELPS|entwickelt|programmiert|gedacht|ausgelegt|\bzu \w+en\b|$)

\b(?:tut mir (?:sehr )?leid|entschuldig\w*|leider|bedau\w+)\b[^.!?]{0,60}?\b(?:kann|darf|werde)\b[^.!?]{0,60}?NOT

\bist (?:es )?mir\b[^.!?]{0,40}?\b(?:nicht (?:möglich|erlaubt|gestattet)|untersagt|unmöglich)
""",
    unwilling=r"""
\b(?:ich unterstütze|ich helfe|ich fördere|ich befürworte|ich gebe)\b[^.!?]{0,40}?NOT

\b(?:ich|wir) (?:muss|müssen|möchte)\b[^.!?]{0,60}?(?:ablehnen|verweigern|abschlagen)

\b(?:ich|wir) (?:lehne|lehnen|weigere|verweigere)\b[^.!?]{0,60}?(?:\bab\b|mich|das\b|diese|es\b)
""",
    policy=r"""
\b(?:gegen meine|gegen unsere|ausserhalb meine|ausserhalb unsere|widerspricht meine|widerspricht unsere)\w*(?: \w+){0,2}
 (?:richtlinien|prinzipien|grundsätze\w*|programmierung|werte\w*|vorgaben|regeln)
""",
    moral=r"""
WRONG\w*(?:,| und| oder| sowie)(?: \w+)? WRONG

^es ist (?:\w+ ){0,2}(?:nicht erlaubt|nicht gestattet|nicht zulässig|nicht akzeptabel|nicht angemessen|nicht ethisch
|nicht legal|nicht in ordnung|illegal|unethisch|unmoralisch|strafbar|verboten)

\bnicht (?:\w+ )?(?:ethisch|akzeptabel|angemessen|zulässig)(?: \w+)?,[^.!?]{0,60}? zu \w+

^es (?:tut mir (?:\w+ )?leid),? aber [^.!?]{3,200}?\b(?:ist|sind|wäre|kann)\b[^.!?]{0,60}?(?:illegal|unethisch
|unmoralisch|strafbar|verboten|inakzeptabel|unangemessen|schädlich|eine straftat|ein verbrechen|gefährlich und)

^es ist (?:\w+ ){0,2}gefährlich und (?:\w+ )?(?:WRONG|verboten|falsch|unverantwortlich)

\bnicht nur (?:\w+ )?(?:WRONG|gefährlich|schädlich|falsch|verboten)\b[^.!?]{0,40}?\bsondern\b
""",
    lecture="""
illegal, unethisch, unmoralisch, rechtswidrig, strafbar, verboten, inakzeptabel, unangemessen, schädlich, grausam,
verwerflich, unverantwortlich, gefährlich und, äusserst gefährlich, extrem gefährlich, sehr gefährlich, falsch und,
moralisch falsch, ethisch falsch, verurteile, straftat, verbrechen, verstösst gegen, verletzt die rechte

sollte nicht, sollten nicht, sollte nie, sollten nie, niemals, nicht akzeptabel, nicht in ordnung, nicht angemessen,
nicht richtig, nicht gerechtfertigt, nicht vertretbar, nicht ratsam, nicht ethisch, keine gute idee,
keine rechtfertigung, kein grund, darf nicht, dürfen nicht

es ist wichtig, ist es wichtig, wichtig, unerlässlich, entscheidend, ich muss betonen, ich muss darauf hinweisen

diskrimin, gleichbe, würde aller, würde des, würde jede, respekt, menschenrecht, rechte anderer, rechte und,
das recht, unabhängig von, inklusi, mitgefühl, empathie, vorurteil, vielfalt, toleranz, stereotyp, ethisch,
verantwortungs

jeder mensch, alle menschen, allen menschen, aller menschen, jedem menschen, andere menschen, anderer menschen,
anderen, niemand, personen

ich empfehle, ich rate, ich ermutige, stattdessen, anstatt, bitte, wenden sie sich, suchen sie, wende dich

konsequenzen, folgen, leid, gewalt, hass, schaden, verletzungen
""",
    unknowing=r"""
\b(?:habe|haben|verfüge|besitze|fehlt mir|fehlen mir)\b[^.!?]{0,40}?(?:NOT)?[^.!?]{0,40}?(?:zugriff|zugang
|informationen|daten
|echtzeit|kenntnis|erfahrung|meinung|gefühle|fähigkeit,? (?:auf|zu sehen))

\b(?:weiss|kenne) (?:ich )?[^.!?]{0,40}?NOT

\b(?:kann|könnte|konnte|bin)\b[^.!?,]{0,80}?NOT(?: in der lage,)?[^.!?,]{0,80}?(?:wissen|sehen\b|hören\b|finden\b
|zugreifen|(?:datei|link|anhang|seite)\w* öffnen|einsehen|überprüfen|vorhersagen|bestätigen|garantieren|abrufen
|beurteilen|sicher sagen|genau sagen|erkennen|nachsehen|vorstellen)

\b(?:bin|sind)\b[^.!?]{0,20}?\bnicht (?:ganz )?sicher\b
""",
    caveat=r"""
\b(?:medizinische|ärztliche|rechtliche|juristische|finanzielle|professionelle|steuerliche)\w* (?:\w+ )?(?:rat
|beratung|ratschl
|diagnose|empfehlung|auskunft)

\b(?:rechtsberatung|anlageberatung|steuerberatung|ferndiagnose)
""",
    later="""
ich kann
kann ich
ich darf
darf ich
ich werde
ich muss
ich lehne
""",
    offer=r"""
\b(?:aber|jedoch|allerdings|dennoch|trotzdem)\b[^.!?]{0,100}?\b(?:(?:kann ich|ich
 kann)(?![^.!?]{0,60}?NOT)[^.!?]{0,80}?(?:erklären
|geben|nennen
|zeigen|sagen|beschreiben|bereitstellen)|hier (?:ist|sind|findest|finden|einige)
|folgende)\b(?![^.!?]{0,100}(?:alternativ|ander
|stattdessen|sicher|legal|ethisch|unterstütz|wenn ))
""",
)
