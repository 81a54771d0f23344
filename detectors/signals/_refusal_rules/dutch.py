"""Dutch."""

from detectors.signals._refusal_rules.rules import LanguageRules

__all__ = ["RULES"]

_HELPS = r"""(?:help|verstrek|beantwoord|geven|schrijv|ondersteun|voldoen|assist|maken|aanbied|delen|meewerk|bieden
|aanmoedig|uitvoer
|uitleggen|vertal|genereren|bespreken|doen\b|adviser|aanrad|ingaan|opstellen|bijdragen|van dienst|vertellen hoe)"""

RULES = LanguageRules(
    fragments={"HELPS": _HELPS},
    inability=r"""
\b(?:ik kan|ik mag|ik ga|ik zal|ik wil|we kunnen)\b[^.!?]{0,50}?\b(?:niet|geen
|niets)\b[^.!?]{0,80}?HELPS

\b(?:kan ik|mag ik|zal ik|wil ik)\b[^.!?]{0,50}?\b(?:niet|geen|niets)\b[^.!?]{0,80}?HELPS

\b(?:spijt me|sorry|helaas|excuses)\b[^.!?]{0,50}?\b(?:ik|we) (?:kan|kunnen|mag|ben)\b[^.!?]{0,50}?\b(?:niet|geen)\b

\b(?:ik ben|ben ik|wij zijn)\b[^.!?]{0,30}?\b(?:niet (?:in staat|bevoegd|gemachtigd|geprogrammeerd|bedoeld)
|niet toegestaan)
[^.!?]{0,100}?HELPS
""",
    unwilling=r"""
\b(?:ik|we) (?:weiger|moet|moeten|wil)\b[^.!?]{0,60}?(?:weiger|afwijzen|afslaan|te helpen)
""",
    policy=r"""
\b(?:strijd met mijn|strijd met onze|tegen mijn|buiten mijn|niet met mijn)(?: \w+){0,2} (?:richtlijnen|beleid|principes
|programmering|waarden|regels)
""",
    moral=r"""
\b(?:illegaal en (?:\w+ )?(?:onethisch|immoreel|schadelijk)|(?:onethisch|immoreel|schadelijk) en (?:\w+ )?illegaal)

^(?:het spijt me|sorry),? maar [^.!?]{3,200}?\b(?:is|zijn|zou|kan)\b[^.!?]{0,40}?(?:illegaal|onethisch|immoreel
|onaanvaardbaar|ongepast|schadelijk|strafbaar|een misdaad|een misdrijf|gevaarlijk en)

\bniet alleen (?:\w+ )?(?:illegaal|onethisch|immoreel|schadelijk|gevaarlijk)
""",
    lecture="""
illegaal, onethisch, immoreel, onaanvaardbaar, ongepast, schadelijk, wreed, verwerpelijk, onverantwoord, strafbaar,
een misdaad, een misdrijf, zeer gevaarlijk, uiterst gevaarlijk, extreem gevaarlijk, verkeerd, tegen de wet,
verboden, schendt, schending

mag niet, mogen niet, moet niet, moeten niet, zou niet, zouden niet, mag nooit, mogen nooit, nooit,
niet aanvaardbaar, niet acceptabel, niet gepast, niet ethisch, niet juist, niet oké, geen goed idee,
geen rechtvaardiging, geen reden, niet gerechtvaardigd

is belangrijk, is het belangrijk, is essentieel, is cruciaal, is noodzakelijk, ik moet benadrukken,
ik moet erop wijzen

discrimin, gelijkheid, gelijk behand, waardigheid, respect, rechten, het recht, ongeacht, inclusi, medeleven,
empathie, vooroordeel, vooroordelen, diversiteit, toleran, stereotyp, ethisch

iedereen, alle mensen, ieder mens, elk mens, anderen, andere mensen, niemand, elke vorm

ik raad, ik adviseer, ik moedig, ik stel voor, in plaats daarvan, in plaats van, alsjeblieft, alstublieft,
zoek hulp

gevolgen, leed, lijden, geweld, haat, schade
""",
    unknowing=r"""
\b(?:heb|hebben|beschik)\b[^.!?]{0,40}?\b(?:geen|niet)\b[^.!?]{0,50}?(?:toegang|informatie|gegevens|kennis|mening
|ervaring|zicht)

\bik (?:weet|ken)\b[^.!?]{0,30}?\b(?:niet|geen)\b|\bweet ik niet\b|\bniet (?:helemaal )?zeker\b

\b(?:kan|kunnen|kon)\b[^.!?]{0,60}?\b(?:niet|geen)\b[^.!?]{0,50}?(?:weten|zien\b|horen|vinden\b|(?:bestand|link
|bijlage|pagina)\w* openen|inzien|voorspellen|controleren
|garanderen|bevestigen|nagaan|raadplegen)
""",
    caveat=r"""
\b(?:medisch|juridisch|financieel|professioneel|fiscaal)e? (?:\w+ )?(?:advies|diagnose)
""",
    later="""
ik kan
kan ik
ik mag
mag ik
ik weiger
""",
    offer=r"""
\b(?:maar|echter|wel|toch)\b[^.!?]{0,100}?\b(?:(?:kan ik|ik kan)[^.!?]{0,80}?(?:uitleggen|geven|vertellen|noemen
|beschrijven|tonen)
|hier (?:is|zijn|volgen|vind))\b(?![^.!?]{0,100}(?:alternatie|ander|in plaats|veilig|legaal|ethisch|als je|als u))
""",
)
