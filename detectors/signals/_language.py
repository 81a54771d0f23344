"""Which language a text is in: by its script, and for Latin script by its commonest words."""

from collections.abc import Mapping
from typing import Final

__all__ = [
    "common_words",
    "has_words",
    "is_latin",
    "latin_languages",
    "letters",
    "likely",
    "script_counts",
    "script_language",
]

SAMPLE_CHARS: Final = 4_000
"""Characters that are counted: the beginning and the end of a longer text."""
FEW_WORDS: Final = 25
MAX_WORDS: Final = 60
"""Words that are looked up."""
SURE: Final = 1.5
"""How many times more words of the first language than of the second."""
KANA_SHARE: Final = 0.08
"""Of the characters of a text in Japanese at least this share are kana."""

_STOP_WORDS: Final = {
    "en": "the and of to in is a for please me it that you with what how are this be on not have as can was what "
    "how i my me please do does which from your when where why who explain write give tell list describe will "
    "would should or an if they there has about into make show create summarize",
    "de": "der die das und ist nicht ein eine zu mit den von für auf im sich auch es dem wie was ich sie du wir bei "
    "nach wird oder aus wenn einen einem einer kann sind zum zur bitte mir warum welche erkläre schreibe gib "
    "nenne hat haben wurde über durch als man noch nur mein meine",
    "fr": "le les et est une un des que pour dans qui pas sur avec vous je il elle ce cette sont du au aux plus "
    "mais ou par comme nous leur être ont quel quelle quels pourquoi comment moi peux pouvez donne explique "
    "écris mon ma mes en la de faut très",
    "es": "el los las y es una un que para con por no se del lo como más pero sus al este esta son su muy también "
    "cuando entre puede qué cómo cuál por favor dime explica escribe dame cuáles está mi me hay ser en la de "
    "sin sobre a dónde",
    "it": "il lo gli che è di un una per con non sono del della dei delle nel nella più anche come si ma questo "
    "questa al alla perché può cosa quale spiega scrivi dammi mi le ho ha essere da in la sul tra molto a "
    "quando dove",
    "pt": "o os as e é um uma que para com não do da dos das no na nos nas por mais como se mas seu sua ao pelo "
    "pela são está também você qual quais explique escreva me meu minha foi ser muito de em pode isso a "
    "quando onde",
    "nl": "de het een en is van dat niet te op zijn voor met je ik die er aan om ook als maar bij naar wordt kan "
    "wat hoe waarom welke uit door over nog heeft mijn schrijf geef leg deze dit worden moet of",
    "sv": "och att det är som en på för av med den till inte har om ett kan jag du vi så men hur vad varför vilka "
    "från eller också var mig skriv förklara när de ska detta",
    "da": "og at det er som en på for af med den til ikke har om et kan jeg du vi så men hvordan hvad hvorfor "
    "hvilke fra eller også av mig meg skriv forklar når de skal dette være hva",
    "pl": "i w na z się nie jest to że do jak co dla od po przez oraz czy są o tym ale jego być może proszę jakie "
    "które dlaczego mi napisz wyjaśnij podaj które jako tak za ten ta",
    "cs": "a v na je se že s z do to o pro jak co jsou ale by od po jako být nebo prosím které proč která mi napiš "
    "vysvětli při také pokud může čo ako sú pre nie",
    "tr": "ve bir bu için ile da de ne nasıl olarak daha çok var gibi en ama olan ben mi mı kadar veya bana neden "
    "hangi lütfen açıkla yaz nedir değil sonra her şey olur eder",
    "ro": "și în de la pe cu nu este un o că să care din pentru mai sunt ce sau ca prin fi cum dacă am îmi scrie "
    "explică acest această poate foarte iar",
    "hu": "a az és hogy nem is egy van ez mint meg de csak már vagy ha volt kell mi hogyan miért lehet azt kérlek "
    "írj melyik nagyon lesz",
    "fi": "ja on ei että se oli mutta kun niin kuin myös joka ovat tai voi mitä miten miksi minä sinä hän ole jos "
    "mikä kirjoita kerro selitä sen olla",
    "id": "dan yang di untuk dengan ini itu dari tidak dalam adalah pada ke saya anda akan atau juga bisa apa "
    "bagaimana mengapa oleh karena lebih dapat kita ada jelaskan tulis buat berikan seperti",
    "vi": "và là của có không trong được cho các một với những người này để khi đã từ như tôi bạn về cách hãy gì "
    "tại sao thế nào viết giải thích",
}
_LANGUAGES: dict[str, tuple[str, ...]] = {}
for _name, _words in _STOP_WORDS.items():
    for _word in set(_words.split()):
        _LANGUAGES[_word] = (*_LANGUAGES.get(_word, ()), _name)
_MARKS: Final = ".,;:!?¿¡()[]\"'*_«»„“”‘’…"

_QUICK_WORDS: Final = 14
_QUICK_CHARS: Final = 800
_QUICK: Final = {
    name: tuple(f" {word} " for word in words.split()[:_QUICK_WORDS]) for name, words in _STOP_WORDS.items()
}
"""The commonest words of each language come first in its list."""
_LATIN_END: Final = "\u0370"
"""Where other scripts than Latin begin."""
_LOOKED_AT: Final = 64

_PAGES: Final = {
    "greek": (0x03, 0x1F),
    "cyrillic": (0x04,),
    "hebrew": (0x05,),
    "arabic": (0x06, 0x07, 0xFB, 0xFC, 0xFD, 0xFE),
    "devanagari": (0x09,),
    "gurmukhi": (0x0A,),
    "tamil": (0x0B,),
    "telugu": (0x0C,),
    "malayalam": (0x0D,),
    "thai": (0x0E,),
    "georgian": (0x10,),
    "ethiopic": (0x12, 0x13),
    "khmer": (0x17,),
    "kana": (0x30,),
    "han": tuple(range(0x34, 0xA0)),
    "hangul": (0x11, *range(0xAC, 0xD8)),
}
"""Scripts by blocks of 256 characters. A block is called after the script that is most of it in ordinary text."""
_NUMBERS: Final = {name: at + 1 for at, name in enumerate(_PAGES)}
_PAGE_TABLE: Final = bytes(
    next((_NUMBERS[name] for name, pages in _PAGES.items() if page in pages), 0) for page in range(256)
)
_NOT_LETTERS: Final = bytes(code for code in range(128) if not chr(code).isalpha())
_CJK_MARKS: Final = (
    "\u3000\u3001\u3002\u3003\u3008\u3009\u300a\u300b\u300c\u300d\u300e\u300f\u3010\u3011\u3014\u3015\u301c"
)
_MIDDLE_DOT: Final = "\u30fb"
_DENSE: Final = frozenset({"han", "kana", "hangul"})


def has_words(text: str, language: str, least: int) -> bool:
    """Return whether so many of a language's commonest words stand in the beginning of the text: a quick yes.

    >>> has_words("What is the name of the river?", "en", 3), has_words("Wie heißt der Fluss?", "en", 2)
    (True, False)
    """
    head = f" {text[:_QUICK_CHARS].lower()} "
    found = 0
    for word in _QUICK[language]:
        if word in head:
            found += 1
            if found == least:
                return True
    return False


def is_latin(text: str) -> bool:
    """Return whether a text seems to be in Latin script, by some sixty of its characters."""
    return text.isascii() or max(text[:: len(text) // _LOOKED_AT + 1]) < _LATIN_END


def script_counts(text: str) -> Mapping[str, int]:
    """Return how many letters of each script the beginning and the end of a text have; "latin" counts ASCII ones.

    >>> dict(script_counts("Привет, you"))
    {'latin': 3, 'cyrillic': 6}
    """
    if len(text) > SAMPLE_CHARS:
        text = text[: SAMPLE_CHARS // 2] + text[-SAMPLE_CHARS // 2 :]
    counts = {"latin": len(text.encode("ascii", "ignore").translate(None, _NOT_LETTERS))}
    if text.isascii():
        return counts
    pages = text.encode("utf-16-le", "surrogatepass")[1::2].translate(_PAGE_TABLE, b"")
    for name, number in _NUMBERS.items():
        found = pages.count(number)
        if found:
            counts[name] = found
    if "kana" in counts:  # the block also has the punctuation of Chinese
        counts["kana"] -= sum(map(text.count, (*_CJK_MARKS, _MIDDLE_DOT)))
    return counts


def letters(counts: Mapping[str, int]) -> int:
    """Return the letters of all scripts; one that stands for a syllable or a word counts twice."""
    return sum(count * (2 if name in _DENSE else 1) for name, count in counts.items())


def script_language(counts: Mapping[str, int], share: float) -> str | None:
    """Return the language, or else the script, that has at least this share of the letters; "latin" comes last.

    Han with some kana is Japanese, without it Chinese.
    """
    least = max(1.0, share * letters(counts))
    cjk = {name: counts[name] for name in ("han", "kana") if name in counts}
    if cjk and letters(cjk) >= least:
        return "japanese" if cjk.get("kana", 0) >= KANA_SHARE * sum(cjk.values()) else "chinese"
    others = sorted((count for count in counts.items() if count[0] not in {*cjk, "latin"}), key=lambda each: -each[1])
    for name, count in [*others, ("latin", counts["latin"])]:
        if letters({name: count}) >= least:
            return name
    return None


def latin_languages(text: str, least: int) -> tuple[str, ...]:
    """Return the languages that the commonest words of a text leave possible; none if there are too few words.

    >>> latin_languages("Warum ist der Himmel blau und nicht grün?", 2)
    ('de',)
    """
    return likely(common_words(text), least)


def likely(counts: Mapping[str, int], least: int) -> tuple[str, ...]:
    """Return the languages of so many common words that no other has half as many again."""
    most = max(counts.values(), default=0)
    if most < least:
        return ()
    return tuple(name for name, count in counts.items() if SURE * count > most)


def common_words(text: str) -> dict[str, int]:
    """Return how many of the first words of a text each language has among its commonest."""
    counts: dict[str, int] = {}
    words = text[: 10 * MAX_WORDS].lower().split(None, MAX_WORDS)[:MAX_WORDS]
    if len(words) <= FEW_WORDS:  # every one counts, in a longer text enough have no mark beside them
        words = [word.strip(_MARKS) for word in words]
    for word in filter(_LANGUAGES.__contains__, words):
        for name in _LANGUAGES[word]:
            counts[name] = counts.get(name, 0) + 1
    return counts
