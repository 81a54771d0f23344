"""German."""

from detectors.signals._refusal_rules.rules import LanguageRules

__all__ = ["RULES"]

_HELPS = r"""(?:helfen|unterstütz|beantwort|bereitstell|geben|anbiet|erfüll|nachkomm|liefern|erstell|schreib|behilflich
|teilen|verfügung|berat|empfehl|förder|generier|beteilig|anleit|ermutig|befürwort|gutheiss|machen|durchführ|bieten
|dienen
|eingehen|nennen|erklär|weiterhelfen|verfass|übersetz|besprech|tun\b|assistier|zeigen|verraten|ausführ|entsprech)"""

_NOT = r"\b(?:nicht|keine?[mnrs]?|keinerlei|niemals|nichts)\b"

_WRONG = r"(?:illegal|unethisch|unmoralisch|strafbar)"

RULES = LanguageRules(
    fragments={"HELPS": _HELPS, "NOT": _NOT, "WRONG": _WRONG},
    inability=r"""
\b(?:kann ich|können wir|darf ich|dürfen wir|werde ich|möchte ich
|will ich)\b[^.!?]{0,80}?NOT[^.!?]{0,120}?HELPS

\b(?:ich kann|wir können|ich darf|wir dürfen|ich werde|ich möchte|ich will
|ich könnte)\b[^.!?]{0,80}?NOT[^.!?]{0,120}?HELPS

\b(?:ich bin|bin ich)\b[^.!?]{0,60}?\b(?:nicht (?:in der lage|befugt|berechtigt|dafür|dazu|darauf
|befähigt
|imstande)|ausserstande)\b[^.!?]{0,200}?(?:HELPS|entwickelt|programmiert|gedacht|ausgelegt|$)

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
\bWRONG\w*(?:,| und| oder| sowie)(?: \w+)? WRONG

^es ist (?:\w+ ){0,2}(?:nicht erlaubt|nicht gestattet|nicht zulässig|nicht akzeptabel|nicht angemessen|nicht ethisch
|nicht legal|nicht in ordnung|illegal|unethisch|unmoralisch|strafbar|verboten)

^es ist (?:\w+ ){0,2}wichtig[^.!?]{0,160}\b(?:illegal|unethisch|unmoralisch|strafbar|nicht akzeptabel|nicht angemessen
|nicht ethisch|nicht zulässig|nicht in ordnung)

\bnicht (?:\w+ )?(?:ethisch|akzeptabel|angemessen|zulässig)(?: \w+)?,[^.!?]{0,60}? zu \w+
""",
    unknowing=r"""
\b(?:habe|haben|verfüge|besitze|fehlt mir|fehlen mir)\b[^.!?]{0,40}?(?:NOT)?[^.!?]{0,40}?(?:zugriff|zugang
|informationen|daten
|echtzeit|kenntnis|erfahrung|meinung|gefühle|fähigkeit,? (?:auf|zu sehen))

\b(?:weiss|kenne) (?:ich )?[^.!?]{0,40}?NOT

\b(?:kann|könnte|konnte)\b[^.!?]{0,80}?NOT[^.!?]{0,80}?(?:wissen|sehen\b|hören\b|finden\b|zugreifen|(?:datei|link
|anhang|seite)\w* öffnen|einsehen|überprüfen
|vorhersagen|bestätigen|garantieren|abrufen|beurteilen|sicher sagen|genau sagen|erkennen|nachsehen|vorstellen)

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
\b(?:aber|jedoch|allerdings|dennoch|trotzdem)\b[^.!?]{0,100}?\b(?:(?:kann ich|ich kann)[^.!?]{0,80}?(?:erklären
|geben|nennen
|zeigen|sagen|beschreiben|bereitstellen)|hier (?:ist|sind|findest|finden|einige)
|folgende)\b(?![^.!?]{0,100}(?:alternativ|ander
|stattdessen|sicher|legal|ethisch|unterstütz|wenn ))
""",
)
