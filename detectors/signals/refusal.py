"""Refusals: the model declines to do what it was asked."""

import re
import unicodedata
from dataclasses import dataclass
from typing import ClassVar

from typing_extensions import override

from detectors.base import Signal
from detectors.signals._literals import Gated
from detectors.types import Answer, Exchange, Failure, Margin, Outcome, Reading, SignalKind

__all__ = ["OPENING_CHARS", "Refusal", "is_refusal"]

OPENING_CHARS = 300
"""Only the opening is read: a refusal stands there, and a long answer that declines a detail is an answer."""
_RAW_CHARS = 4 * OPENING_CHARS
_THOUGHT_CHARS = 1 << 18
_THOUGHT = ("<think>", "</think>")

_TRANSLATION = str.maketrans({"’": "'", "‘": "'", "ʼ": "'", "´": "'", "`": "'", "“": '"', "”": '"', "„": '"'})
_QUOTED = re.compile(r'"[^"]{0,200}"|«[^»]{0,200}»|「[^」]{0,200}」|『[^』]{0,200}』')
_MARKUP = re.compile(r"[*_#>~|]+")
_QUOTE_MARKS = '"«「『'

# One rule a paragraph, line breaks are not part of it; a name in capitals stands for a fragment. Every gap is
# bounded and the text is at most 300 characters, so matching takes bounded time.
_FRAGMENTS = {
    "HELPS_EN": r"""
(?:help|assist|aid|support|provide|comply|fulfil|give|offer|create|write|generate|engage|participate
|discuss|share|tell you|encourage|condone|promote|endorse|facilitate|satisfy|respond|continue|complete
|produce|describe|explain|teach|instruct|answer|advise|advice|suggest|recommend (?:any|ways|methods
|that you)|do (?:that|this|it|so)|accommodate|entertain|carry out|perform|proceed|reveal|disclose|supply
|guide|show you|be (?:a )?part|contribute|make (?:jokes?|such|any|that|this|statements?|assumptions)
|say (?:that|this)|use (?:that|such|offensive)|translate|fabricate|spread|process|grant|honou?r|agree to
|go along|walk you|impersonate|roleplay|role-play|pretend|joke)
""",
    "CANNOT_EN": r"""
(?:can ?not|can't|could not|couldn't|will not|won't|would not|wouldn't|am (?:simply )?(?:un(?:able
|willing)|not (?:able|allowed|permitted|willing|authori[sz]ed|programmed|designed|comfortable|going
|in a position|here|capable))|'m (?:un(?:able|willing)|not (?:able|allowed|permitted|willing
|authori[sz]ed|programmed|designed|comfortable|going|in a position|here|capable))|do not|don't|must not
|shouldn't|should not|(?:must|have to|need to) refrain|cannot and will not|can't and won't)
""",
    "HELPS_FR": r"""
(?:aid|fourni|répond|donne|assist|satisf|accéd|génér|cré|écri|rédig|partag|particip|encourag|soutenir
|promouvoir|propos|conseill|recommand|discut|accompl|expli|faire|offrir|cautionn|engag|continu|approuv
|produire|dire|traiter)
""",
}
_ENGLISH = r"""
\b(?:i|we)(?: \w+){0,2}? ?CANNOT_EN(?: (?:in good conscience|ethically|really|legally|directly|actively
|\w+ly|to|of|with|in|be|able))*,? (?!help (?:but|feeling|thinking|noticing|smiling|it\b)
|recommend (?:\w+ ){0,3}(?:enough|highly))HELPS_EN

\b(?:i'm|i am|we're|we are)? ?(?:very |so |really |truly |deeply )?(?:sorry
|apologi[sz]e)\b[^.!?]{0,60}?\b(?:but|however|as)[^.!?]{0,60}?\bi(?:'m| am)? ?(?:can't|can ?not|won't
|will not|am unable|unable|not able|must|don't feel)(?! (?:know|see|hear|feel|find|access|have|remember
|recall|tell if|tell whether|predict|browse|be sure|be certain|determine|verify|locate|understand|open
|view|say for|speak))

\bi(?:'m afraid i)?(?: \w+)? (?:must|have to|need to|will have to|am going to have to
|'ll have to)(?: \w+ly)? (?:decline|refuse)

\bi (?:respectfully |politely |firmly )?(?:refuse|decline) to\b

\b(?:violates?|against|contrary to|outside|beyond|not within|not in line with|inconsistent with) (?:my
|our|the|openai'?s?)(?: \w+){0,2} ?(?:programming|guidelines|policy|policies|principles|values|purpose
|ethic\w*|scope|terms|capabilities to (?:provide|assist))

\bi (?:can't|can ?not|won't) (?:\w+ )?(?:with )?(?:your|that|this) (?:request|question|prompt|topic)

\b(?:it is|it's|it would be|this is|that's|that is) (?:not |never |in)(?:\w+ly )?(?:appropriate|ethical
|acceptable|okay|ok|legal|right|possible) (?:or \w+ )?(?:for me )?to (?:provide|assist|help|give
|encourage|promote|discuss|make|write|create|generate|share|engage|ask|suggest|use|answer)

\b(?:not|never) (?:\w+ ){0,2}(?:appropriate|acceptable|okay|ethical) (?:or \w+ )?to\b

\bi (?:\w+ )?(?:strongly|must) (?:advise|urge|discourage|encourage)\b[^.!?]{0,30}?\b(?:against|not to
|from)\b

\b(?:illegal and (?:\w+ )?(?:unethical|immoral|harmful)|(?:unethical|immoral
|harmful) and (?:\w+ )?illegal)\b

\bno, i (?:can't|can ?not|won't|will not|refuse)

^(?:i'm |i am )?(?:sorry|apologies),? (?:but )?(?:no\b|not (?:possible|allowed|something i)|that(?:'s
| is) not something i)

\b(?:this|that|your) (?:request|question|prompt|content)(?: \w+){0,3} (?:can ?not|can't|will not
|won't) be (?:\w+ )?(?:fulfilled|answered|processed|completed|satisfied)

\bnot something (?:that )?i (?:can|am able to|'m able to|will|am willing to) (?:\w+ )?(?:help|assist|do
|provide|support|discuss)
"""
_GERMAN = r"""
\b(?:kann|können|werde|werden|darf|dürfen|möchte|will) (?:ich|wir)\b[^.!?]{0,80}?\b(?:nicht|kein\w*
|niemals)\b[^.!?]{0,120}?(?:helfen|unterstütz|beantwort|bereitstell|geben|anbiet|erfüll|nachkomm|liefern
|erstell|schreib|behilflich|teilen|verfügung|berat|empfehl|förder|generier|beteilig|anleit|ermutig
|befürwort|gutheiss|machen|durchführ|bieten|dienen)

\bich (?:kann|werde|darf|möchte|will|könnte)\b[^.!?]{0,80}?\b(?:nicht|kein\w*
|niemals)\b[^.!?]{0,120}?(?:helfen|unterstütz|beantwort|bereitstell|geben|anbiet|erfüll|nachkomm|liefern
|erstell|schreib|behilflich|teilen|verfügung|berat|empfehl|förder|generier|beteilig|anleit|ermutig
|befürwort|gutheiss|machen|durchführ|bieten|dienen)

\bich (?:unterstütze|helfe|fördere|befürworte|gebe|biete|erstelle)\b[^.!?]{0,40}?\b(?:nicht|kein\w*)\b

\b(?:ich bin|bin ich)\b[^.!?]{0,60}?\b(?:nicht (?:in der lage|befugt|berechtigt|dafür|dazu|darauf)
|ausserstande)

\b(?:tut mir (?:sehr )?leid|entschuldig\w*|leider|bedau\w+)\b[^.!?]{0,60}?\b(?:kann|darf
|werde)\b[^.!?]{0,60}?\b(?:nicht|kein\w*)\b(?![^.!?]{0,60}\b(?:wissen|sehen|finden|zugreifen|öffnen))

\b(?:illegal und (?:\w+ )?(?:unethisch|unmoralisch|schädlich)|(?:unethisch|unmoralisch
|schädlich) und (?:\w+ )?illegal)

\bnicht (?:\w+ )?(?:ethisch|akzeptabel|angemessen|zulässig)(?: \w+)?,[^.!?]{0,60}? zu \w+

\bich muss[^.!?]{0,60}?(?:ablehnen|verweigern)

\b(?:gegen|ausserhalb) (?:meine\w*|unsere\w*)(?: \w+){0,2} (?:richtlinien|prinzipien|grundsätze
|programmierung|werte)
"""
_FRENCH = r"""
\b(?:je|nous)\b[^.!?]{0,20}?\b(?:ne|n') ?(?:peux|puis|pourrai|pourrais|pouvons|vais|veux|saurais|dois
|suis)\b[^.!?]{0,40}?\b(?:pas|plus|point|jamais|aucun\w*|ni)?\b[^.!?]{0,40}?\bHELPS_FR

\b(?:désolée?|navrée?|excuse\w*|regrette\w*|malheureusement)\b[^.!?]{0,60}?\bje ne (?:peux|puis|pourrai
|suis|vais)\b(?! (?:pas )?(?:savoir|voir|trouver|accéder aux|ouvrir))

\bje ne suis (?:malheureusement )?pas (?:en mesure|autorisée?|programmée?|conçue?|habilitée?|à l'aise
|capable)

\bje ne (?:fournis|donne|soutiens|cautionne|encourage|propose|crée)(?:rai)? (?:pas|aucun)

\bil m'est (?:\w+ )?(?:impossible|interdit)

\bje (?:refuse de|dois (?:\w+ )?(?:décliner|refuser))

\b(?:va à l'encontre|contraire) (?:de |à )(?:mes|nos|mon|ma)\b
"""
_SPANISH = r"""
\bno (?:(?:te|le|les|os|lo|la) )?(?:puedo|podemos|podré|debo|voy a|quiero
|me es posible)(?: \w+){0,2}? (?:ayud|proporcion|ofrec|dar|respond|cumpl|asist|gener|crea|particip|apoy
|brind|escrib|compart|facilit|promov|discut|hacer|contest|recomend|complac|suministr|continu|satisf
|fomentar|atender|explicar|involucr)

\b(?:lo siento|lo lamento|disculp\w+|perdón|lamentablemente)\b[^.!?]{0,50}?\bno (?:puedo|podré
|me es posible|estoy)\b(?! (?:saber|ver|encontrar|acceder|abrir))

\bno (?:soy capaz de|estoy (?:autorizad|programad|diseñad|en condiciones|en posición|capacitad))

\b(?:me niego a|debo (?:negarme|rechazar|declinar))

\bva en contra de (?:mis|nuestr\w+|las)\b
"""
_ITALIAN_PORTUGUESE_DUTCH = r"""
\bnon (?:(?:ti|le|vi) )?(?:posso|potrò|sono in grado di|mi è possibile)(?: \w+){0,2}? (?:aiut|forn
|rispond|dare|assist|gener|crea|scriv|partecip|sostener|soddisf|condivid|offri|eseguire|far)

\b(?:mi dispiace|mi spiace|purtroppo)\b[^.!?]{0,40}?\bnon posso\b(?! (?:sapere|vedere|trovare|accedere
|aprire))

\b(?:não|nao) (?:(?:te|lhe|o|a) )?(?:posso|poderei|consigo|vou|devo|sou capaz de
|estou autorizad\w)(?: \w+){0,2}? (?:ajud|fornec|respond|dar|assist|atend|cria|escrev|particip|apoi
|compartilh|cumpri|oferec|fazer|ger)

\b(?:desculp\w+|sinto muito|infelizmente|lamento)\b[^.!?]{0,40}?\b(?:não|nao) posso\b(?! (?:saber|ver
|encontrar|acessar))

\b(?:ik kan|kan ik|ik mag|ik ga|ik wil)\b[^.!?]{0,40}?\b(?:niet|geen)\b[^.!?]{0,60}?(?:help|verstrek
|beantwoord|geven|schrijv|ondersteun|voldoen|assist|maken|aanbied|delen|meewerk)

\bhet spijt me\b[^.!?]{0,40}?\bik kan\b[^.!?]{0,40}?\b(?:niet|geen)\b
"""
_OTHER_ALPHABETS = r"""
\bя не (?:могу|буду|смогу|вправе|имею права)(?: \w+){0,3}? (?:помо|предостав|ответ|дать|выполн|написа
|созда|поддерж|участв|подсказ|рассказ|обсужд|генерир|содейств|посоветов)

\b(?:извини|прости|сожал)\w*[^.!?]{0,40}?\bя? ?не (?:могу|смогу)\b(?! (?:знать|видеть|найти|открыть))

(?:nie mogę|nie jestem w stanie)(?: \w+){0,3}? (?:pomóc|udzielić|dostarczyć|odpowiedzieć|spełnić|napisać
|stworzyć|wspierać|podać)

(?:yardımcı olama|yardım edeme|sağlayama|yanıt vereme|cevap vereme|yerine getireme)

(?:لا أستطيع|لا يمكنني|لا استطيع|لن أستطيع|لن أتمكن من)(?: \w+){0,2}? (?:\w{0,2}مساعد|\w{0,2}تقديم
|\w{0,2}توفير|\w{0,2}الإجابة|أن أساعد|\w{0,2}إعطاء|\w{0,2}تلبية|\w{0,2}المشاركة|\w{0,2}كتابة)

(?:क्षमा|माफ़|माफ|खेद)[^।.!?]{0,80}?(?:नहीं (?:कर|दे) सक|असमर्थ)

(?:मदद|सहायता|जानकारी|उत्तर)[^।.!?]{0,30}?नहीं (?:कर|दे) सक
"""
_EAST_ASIAN = r"""
(?:我|本人|本助手|作为[^。!?]{1,30}?)[^。!?]{0,12}?(?:不能|无法|不会|不可以|没有办法|没办法|不便|不應
|不应|拒绝|拒絕|無法|不會)[^。!?]{0,24}?(?:提供|帮助|幫助|协助|協助|回答|满足|滿足|支持|参与|參與|给出
|給出|生成|讨论|討論|完成|继续|繼續|分享|执行|執行|编写|撰写|撰寫|创作|創作|鼓励|鼓勵|推荐|写|做|说|教
|给你|告诉你|建议你)

(?:抱歉|对不起|對不起|很遗憾|不好意思)[^。!?]{0,30}?(?:不能|无法|不可以|没法|不会|無法|不會
|不便)(?!(?:确定|确认|知道|看到|访问|理解|找到|获取|預測|预测|確定|確認|訪問|理解))

(?:违法|非法|违反法律)[^。!?]{0,3}(?:和|且|或|也|以及|并)[^。!?]{0,6}(?:不道德|有害)
|不道德[^。!?]{0,3}(?:和|且|或|也|以及|并)[^。!?]{0,6}(?:违法|非法)

(?:违反|違反|不符合)(?:了)?(?:我|我们|我們)的?[^。!?]{0,12}?(?:原则|原則|准则|準則|政策|规定|規定|价值观)

(?:お答え|お手伝い|ご協力|提供|お応え|回答|対応|支援|ご案内|お教え|作成|協力)(?:する(?:こと)?(?:は
|が)?)?(?:は|が)?(?:でき(?:ません|ない|かね)|いたしかね|致しかね|しかね)

申し訳(?:ありません|ございません|ない)[^。!?]{0,60}?(?:できません|できかね|しかね|いたしかね|致しかね)

(?:도와드릴|도와줄|도움을 드릴|도움을 줄|제공할|제공해 드릴|답변할|답변드릴|답변해 드릴|응할|수행할
|작성할|지원할) 수(?:는|가)? 없

(?:죄송|미안)[^.!?]{0,60}?(?:할|드릴|줄) 수(?:는|가)? 없
"""


def _rules(text: str) -> list[re.Pattern[str]]:
    for name, fragment in _FRAGMENTS.items():
        text = text.replace(name, fragment.replace("\n", ""))
    return [re.compile(rule.replace("\n", "")) for rule in text.strip().split("\n\n")]


_LATIN = Gated(
    rule for language in (_ENGLISH, _GERMAN, _FRENCH, _SPANISH, _ITALIAN_PORTUGUESE_DUTCH) for rule in _rules(language)
)
_BEYOND_ASCII = Gated(rule for language in (_OTHER_ALPHABETS, _EAST_ASIAN) for rule in _rules(language))


@dataclass(frozen=True, slots=True)
class Refusal(Signal):
    """1 when the model declines.

    Sees its own refusal field, a content filter's stop, and refusals in the opening 300 characters of the
    text ("I cannot help", "against my guidelines", "not appropriate to", "illegal and unethical"), by rules
    for English, German, French, Spanish, Italian, Portuguese, Dutch, Russian, Polish, Turkish, Arabic,
    Hindi, Chinese, Japanese and Korean. Misses evasions, moralising without a "cannot", refusals that come
    late, and other languages; "I do not know" and "I have no access" are not refusals. Quoted text and a
    leading ``<think>`` block are skipped. An error that is alike on both legs costs delay only; a variant
    that merely words its refusals differently can look like drift.

    Applies to every chat request (one with messages). A tool call is not a refusal; neither is a failed
    attempt.
    """

    name: ClassVar[str] = "refusal"
    version: ClassVar[int] = 1
    kind: ClassVar[SignalKind] = SignalKind.BIT
    title: ClassVar[str] = "Refusals"
    unit: ClassVar[str] = "share of requests"
    default_margin: ClassVar[Margin] = Margin(absolute=0.005)

    @override
    def read(self, exchange: Exchange) -> Reading | None:
        """Return 1 for a refusal, 0 otherwise, or None when not applicable or not logged."""
        request, answer, outcome = exchange.request, exchange.answer, exchange.outcome
        if request is None or not request.messages or outcome.failure is Failure.CANCELLED:
            return None
        declined = _declared(answer) if answer is not None else None
        if declined is not None or not outcome.failed:
            return declined or (_read_text(answer) if answer is not None else None)
        return self.read_failure(outcome)

    @override
    def read_failure(self, outcome: Outcome) -> Reading:
        """Return 0: an answer that never came declines nothing."""
        return Reading(0.0, "cancelled" if outcome.failure is Failure.CANCELLED else "no_answer")


def _declared(answer: Answer) -> Reading | None:
    """Return the reading if the answer is marked as declined, else None; an error may carry a mark too."""
    if answer.refusal:
        return Reading(1.0, "refusal_field")
    if answer.finish_reason == "content_filter":
        return Reading(1.0, "content_filter")
    return None


def _read_text(answer: Answer) -> Reading | None:
    if answer.tool_calls:
        return Reading(0.0, "tool_call")
    if answer.text is None:
        return None
    return Reading(1.0, "refusal_text") if is_refusal(answer.text) else Reading(0.0, "answered")


def is_refusal(text: str) -> bool:
    """Return whether the opening of ``text`` declines.

    >>> is_refusal("I'm sorry, but I can't help with that.")
    True
    >>> is_refusal("I can't wait to help you plan the trip!")
    False
    """
    opening = _opening(text)
    return _LATIN.search(opening) or (not opening.isascii() and _BEYOND_ASCII.search(opening))


def _opening(text: str) -> str:
    """Return the first 300 characters, folded, with straight quotes, without quotations and mark-up."""
    start, end = _THOUGHT
    if text[:_RAW_CHARS].lstrip().startswith(start):
        found = text.find(end, 0, _THOUGHT_CHARS)
        text = text[found + len(end) :] if found >= 0 else ""
    raw = unicodedata.normalize("NFKC", text[:_RAW_CHARS]).translate(_TRANSLATION).casefold()
    if any(mark in raw for mark in _QUOTE_MARKS):
        raw = _QUOTED.sub(" ", raw)
    return " ".join(_MARKUP.sub("", raw).split())[:OPENING_CHARS]
