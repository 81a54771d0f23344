"""Whether an instruction speaks of a language, so that the answer's own is no surprise, or of the answer's form."""

import re
from typing import Final

import msgspec
import re2

__all__ = ["Mentions", "mentions", "speaks_of_language"]

_NAMES: Final = r"""
(?:english|german|french|spanish|castilian|italian|portuguese|dutch|flemish|russian|ukrainian|belarusian|polish|czech
|slovak|slovene|slovenian|croatian|serbian|bosnian|bulgarian|macedonian|romanian|hungarian|finnish|estonian|latvian
|lithuanian|swedish|norwegian|danish|icelandic|irish|gaelic|welsh|basque|catalan|galician|greek|turkish|albanian
|armenian|georgian|hebrew|yiddish|arabic|persian|farsi|dari|pashto|kurdish|urdu|hindi|hinglish|bengali|bangla|punjabi
|gujarati|marathi|tamil|telugu|kannada|malayalam|sinhala|nepali|sanskrit|chinese|mandarin|cantonese|japanese|korean
|vietnamese|thai|lao|khmer|burmese|indonesian|malay|javanese|filipino|tagalog|swahili|amharic|somali|hausa|yoruba|igbo
|zulu|xhosa|afrikaans|latin|esperanto|mongolian|kazakh|uzbek|tibetan|hawaiian|maori|creole|spanglish
|deutsch\w*|englisch\w*|italienisch\w*|spanisch\w*|russisch\w*|chinesisch\w*|japanisch\w*|arabisch\w*
|anglais\w*|allemande?s?|espagnole?s?|italienn?e?s?|chinoise?s?|japonaise?s?|russes?|arabes?|portugaise?s?
|ingl[eé]s\w*|alem[aá]n|castellano|italiano|tedesco|francese|spagnolo|cinese|giapponese|nederlands|engels|duits
|svenska|engelska|tyska|dansk|norsk|engelsk|tysk|suomeksi|englanniksi|polsk\w+|angielsk\w+|niemieck\w+|anglick\w+
|ingilizce|almanca|bahasa|inggris|magyar|magyarul|angolul|romaji|kanji|hiragana|katakana|pinyin|hangul|cyrillic)
"""
_ELSEWHERE: Final = r"""
translat|transliterat|übersetz|traduc|traduz|tradui|tradução|vertaal|vertal|översätt|oversæt|oversett|tłumacz|přelož
|fordít|çevir|terjemah|перевод|перевед|переклад|翻译|翻譯|翻訳|訳して|译成|번역|ترجم|अनुवाद|แปล|tiếng
|français|español|português|türkçe|česk|русск|английск|немецк|французск|испанск|китайск|українськ|англійськ|中文|汉语
|漢語|普通话|粤语|英文|英语|英語|日语|日文|日本語|法语|德语|韩语|俄语|西班牙语|中国語|韓国語|한국어|영어|일본어|중국어|العربية
|بالعربية|الإنجليزية|الفرنسية|हिन्दी|हिंदी|अंग्रेज|עברית|אנגלית|ελληνικ|αγγλικ|ภาษา
|bilingual|multilingual|polyglot|pronounc|pronunci|vocabular|\bidioms?\b|proverb|native speaker|loan ?word|etymolog
|\blocale\b|\blang(?:uage)?[_ ]?code
"""
_LANGUAGE: Final = (
    r"\blanguages?\b|sprache|\blangues?\b|\bidiomas?\b|\blingu[ae]\b|język|язык|мов[аоу]ю?\b|语言|語言|言語|언어"
)
_OTHER_SENSE: Final = re.compile(
    r"(?:programming|coding|scripting|query|markup|modell?ing|assembly|large|natural|body|formal|plain|simple|clear"
    r"|everyday|inclusive|neutral|professional|legal|technical|figurative|descriptive|(?:user|person|customer|speaker)"
    r"(?:'s|’s|s)?|same|their own) languages?|languages? models?|programmiersprachen?|(?:编程|程式|程序)语言"
    r"|语言模型|大语言|programming_languages?",
    re.IGNORECASE,
)
_MAX_CHARS: Final = 4_000
"""Of a longer instruction the beginning and the end are read."""


def _set(*patterns: str) -> re2.Set:
    """Return a matcher of all the patterns that takes linear time, whatever the text."""
    options = re2.Options()
    options.case_sensitive = False
    found = re2.Set.SearchSet(options)
    for pattern in patterns:
        found.Add(pattern.replace("\n", ""))
    found.Compile()
    return found


_FORM: Final = r"table|tabular|bullet|numbered|plain text|markdown|code|json"
_MENTIONS = _set(rf"\b{_NAMES.strip()}\b", _ELSEWHERE.strip(), _LANGUAGE, _FORM)
_GENERAL, _FORMS = 2, 3
"""The places of the pattern that needs a second look, and of the one that is about forms."""


class Mentions(msgspec.Struct, frozen=True, gc=False):
    """What a text speaks of; whether it asks for a form needs a second look."""

    language: bool = False
    form: bool = False


_NOTHING: Final = Mentions()


def speaks_of_language(text: str) -> bool:
    """Return whether a text names a language, translation or the choice of a language; bounded time.

    >>> speaks_of_language("Say it in Spanish."), speaks_of_language("Which programming language is faster?")
    (True, False)
    """
    if len(text) > _MAX_CHARS:
        text = text[: _MAX_CHARS // 2] + "\n" + text[-_MAX_CHARS // 2 :]
    return mentions(text).language


def mentions(text: str) -> Mentions:
    """Return what a short text speaks of, in one pass over it."""
    found = _match(text)
    if not found:
        return _NOTHING
    language = min(found) < _GENERAL
    if not language and _GENERAL in found:
        language = _GENERAL in (_match(_OTHER_SENSE.sub(" ", text)) or ())
    return Mentions(language, _FORMS in found)


def _match(text: str) -> list[int] | None:
    # "replace" is for lone surrogates; bytes, because the library takes longer over a str
    matches: list[int] | None = _MENTIONS.Match(text.encode("utf-8", "replace"))
    return matches
