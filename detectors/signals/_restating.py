"""When two turns ask the same: small edits and politeness aside, the same words and no other value in a slot."""

import re
from collections import Counter
from collections.abc import Sequence

from detectors.signals._turns import fold

__all__ = ["content_words", "is_step", "same_request"]

HEAD_CHARS = 1_500
TAIL_CHARS = 500
"""Of a longer turn the beginning and the end are compared."""
_LEAST_CHARS = 8
_LEAST_WORDS = 2
_SHORT_WORDS = 9
_LONG_WORDS = 12
_KEPT = 0.8
"""Share of the longer turn's content words that the shorter one must have."""
_REPLACED = 0.1
"""Share of content words that may be other ones in a long turn; in a short one another word is another request."""
_TYPO_CHARS = 5
_PLURAL_CHARS = 3
_DOUBLE_TYPO_CHARS = 10
_SWAPPED = 2
_MOST_TYPOS = 12
_SLACK_CHARS = 16
_PROBES = 5
_PROBED_CHARS = 100
_SIGNS = "?!.,:;()\"'"
_PROBE_CHARS = 4
_NAME = re.compile(r"(?<=[a-z,;0-9] )[A-ZÀ-ÝА-Я]\w{1,30}")

# Han and kana have no spaces between words: each sign counts as one.
_ASCII_WORD = re.compile(r"[a-z0-9]+(?:[.,][0-9]+)?")
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\W_\u3040-\u30ff\u3400-\u9fff]+(?:[.,][0-9]+)?")

# Function words, politeness and "I asked you": what people drop or add when they ask the same again. Words that carry
# the difference between two requests (from, without, not, before, who, when ...) are not here.
_FUNCTION_WORDS = frozenset(
    fold(
        """
a an the of to is are was be do does did s t ll re m d ve i me my you your we us it its this that these those can could
would will please pls plz kindly just really again still now then so well ok okay hey hi hello sorry thanks thank um uh
said asked ask asking tell give repeat question answer have has and also actually exactly with for in on at by
der die das den dem des ein eine einen einem einer ist sind war und ich mir mich du dir dich sie ihr bitte mal doch noch
nochmal kannst könntest können könnten mir sag sage gib hallo danke also jetzt es zu im in am an auf mit für von gefragt
le la les l un une des du de d est sont et je me moi tu te vous s'il plait plaît merci encore svp stp peux pouvez peut
dis dites donne donnez ce c qu que bonjour alors donc au aux en dans pour avec à a
el los las una unos unas es son y yo mi mí tú usted por favor gracias puedes puede podrías podría dime di dame hola pues
otra vez ya lo al en para con
il lo gli i uno è e mi ti si per favore grazie puoi può potresti dimmi dammi ciao ancora di del della nel con da
o os as um uma são eu você vc por obrigado obrigada pode poderia diga dê olá oi novo ainda do da no na com para
de het een zijn en ik mij jij je u kun kunt kan alsjeblieft alstublieft aub bedankt nog eens zeg geef hallo nu dus van
in op met voor
i w z na się to jest są proszę mi czy możesz może powiedz podaj jeszcze raz cześć więc do
и в на с я мне ты вы это пожалуйста ещё еще раз же ли бы скажи скажите можешь можете дай привет ну вот спасибо
من في على إلى و يا هل لي لك انت أنت رجاء رجاءً فضلك لو سمحت مرة أخرى مرحبا شكرا هذا هذه قل أن
का की के को में से पर है हैं और मैं मुझे मुझको आप तुम कृपया फिर बार एक यह वह तो ही भी बताओ बताइए बताएं दो धन्यवाद
좀 제발 다시 한번 저 제 나 내 너 그 이 것 은 는 이 가 을 를 말해줘 알려줘 주세요 부탁해
的 了 吗 呢 啊 吧 嘛 是 我 你 您 请 請 一 下 再 嗎 把 就 都 那 这 這 麻 烦 煩 谢 謝
は が を の に で と も か ね よ な だ す ま せ ん て た く さ い る し お
"""
    ).split()
)

# Asked for again on purpose: the next piece, another one of the kind, an answer to a question, a command that stands
# for a step. Read at the start of a short turn.
_CONTINUES = re.compile(
    fold(
        r"(?:.{0,40}\b(?:another|next|more|continue|keep going|carry on|go on|proceed|further|one else|roll|shuffle|"
        r"weiter\w*|nächste\w*|noch ein\w*|mehr|fortfahren|mach weiter|"
        r"suivante?s?|continue[rz]?|un autre|une autre|encore une?|plus|poursui\w+|"
        r"siguientes?|otr[oa]s?|más|contin[uú]a\w*|sigue|adelante|"
        r"prossim\w+|altr[oaie]|continua\w*|avanti|ancora un\w?|"
        r"próxim\w+|outr[oa]s?|mais|continu\w+|seguinte|"
        r"volgende|nog een|meer|verder|ga door|"
        r"następn\w+|kolejn\w+|dalej|jeszcze jed\w+|więcej|"
        r"дальше|продолж\w+|следующ\w+|ещё од\w+|еще од\w+|больше|"
        r"التالي\w*|المزيد|أكمل|استمر|واصل|آخر|أخرى|"
        r"अगला|अगले|अगली|और एक|जारी|आगे|दूसर\w*|"
        r"다음|계속|하나 더|더)\b"
        r"|.{0,12}(?:继续|繼續|下一|再来一|再來一|再给我一|另一|更多|接着|"
        r"続け|つづけ|続き|次の|次へ|もう一つ|もうひとつ|もっと|他の|別の)"
        r"|(?:i (?:do not|don't|dont) know|no idea|not sure|i'm not sure|ich weiß (?:es )?nicht|je ne sais pas|"
        r"no (?:lo )?sé|"
        r"non (?:lo )?so|não sei|weet ik niet|ik weet het niet|nie wiem|не знаю|我不知道|不知道|わかりません|모르겠))"
    )
)


def same_request(turn: str, earlier: Sequence[str]) -> bool:
    """Tell whether ``turn`` asks again what one of the ``earlier`` turns asked.

    Case, punctuation, accents, politeness, function words, typing errors, a moved phrase and, in a long turn, a few
    other words are small edits. Another number, name or, in a short turn, any other content word is another request;
    so is a turn that asks for the next piece of something. At most 2,000 characters of each are read.

    >>> same_request("what's the captial of France??", ["What is the capital of France?"])
    True
    >>> same_request("What is the capital of Spain?", ["What is the capital of France?"])
    False
    """
    probes = _probes(turn)
    near = [each for each in earlier if each == turn or _may_repeat(turn, each, probes)]
    if not near:
        return False
    own = content_words(turn)
    if is_step(turn, own):
        return False
    return any(_same_words(own, content_words(each), f"{_ends(turn)} {_ends(each)}") for each in near)


def is_step(turn: str, words: Sequence[str]) -> bool:
    """Tell whether saying the turn, with these content words, twice is not asking again: "yes", "next one".

    >>> is_step("Tell me another joke", content_words("Tell me another joke"))
    True
    """
    if len(words) < _LEAST_WORDS and sum(map(len, words)) < _LEAST_CHARS:
        return True
    return len(words) < _SHORT_WORDS and _CONTINUES.match(" ".join(fold(_ends(turn)).split())) is not None


def content_words(text: str) -> list[str]:
    """Return the words that carry what is asked, in order, folded; of a long text those of both ends.

    >>> content_words("Please tell me the capital of France, again!")
    ['capital', 'france']
    """
    folded = fold(_ends(text))
    words = (_ASCII_WORD if folded.isascii() else _WORD).findall(folded)
    return [word for word in words if word not in _FUNCTION_WORDS]


def _ends(text: str) -> str:
    return text if len(text) <= HEAD_CHARS + TAIL_CHARS else f"{text[:HEAD_CHARS]} {text[-TAIL_CHARS:]}"


def _probes(turn: str) -> list[str]:
    """Return a few longer words from the turn's beginning, to be looked for as they are."""
    if not turn.isascii():
        return []
    words = turn[:_PROBED_CHARS].lower().split()
    if len(turn) > _PROBED_CHARS:
        words.pop()
    return [word.strip(_SIGNS) for word in words if len(word) >= _PROBE_CHARS][:_PROBES]


def _may_repeat(turn: str, earlier: str, probes: Sequence[str]) -> bool:
    """Tell cheaply when two turns cannot be the same request: by length, and by words of the one in the other."""
    own, other = len(turn), len(earlier)
    if 2 * own + _SLACK_CHARS < other or 2 * other + _SLACK_CHARS < own:
        return False
    text = _ends(earlier).lower()
    left = (len(probes) + 1) // 2 if len(probes) > 1 else 0
    for word in probes:
        if word not in text:
            left -= 1
            if left < 0:
                return False
    return True


def _same_words(own: Sequence[str], other: Sequence[str], as_written: str) -> bool:
    if own == other:
        return True
    longer = max(len(own), len(other))
    if not own or not other or min(len(own), len(other)) < _KEPT * longer:
        return False
    extra, missing = _differences(Counter(own), Counter(other))
    if not extra and not missing:
        return _same_order(own, other)
    changed = [*extra, *missing]
    if any(char.isdigit() for word in changed for char in word):
        return False
    most = max(len(extra), len(missing))
    if extra and missing:
        few = longer >= _LONG_WORDS and most <= _REPLACED * longer
        return few and _names(as_written).isdisjoint(changed)
    return longer - most >= _KEPT * longer


def _names(as_written: str) -> set[str]:
    """Return the words with a capital letter inside a sentence."""
    return {fold(name) for name in _NAME.findall(as_written)}


def _differences(own: Counter[str], other: Counter[str]) -> tuple[list[str], list[str]]:
    """Return the words of each side that the other does not have, misspelt ones aside."""
    extra, missing = list((own - other).elements()), list((other - own).elements())
    if max(len(extra), len(missing)) > _MOST_TYPOS:
        return extra, missing
    for word in extra[:]:
        twin = next((each for each in missing if _misspelt(word, each)), None)
        if twin is not None:
            extra.remove(word)
            missing.remove(twin)
    return extra, missing


def _misspelt(word: str, other: str) -> bool:
    """Tell whether two words differ by a slip: same first letter, one place, or two letters of a long word."""
    short, long = sorted((word, other), key=len)
    if long == f"{short}s" and len(short) >= _PLURAL_CHARS:
        return True
    if word[0] != other[0] or len(long) < _TYPO_CHARS or any(char.isdigit() for char in word + other):
        return False
    head = next((place for place, (one, two) in enumerate(zip(short, long, strict=False)) if one != two), len(short))
    tail = 0
    while tail < len(short) - head and short[-1 - tail] == long[-1 - tail]:
        tail += 1
    was, became = short[head : len(short) - tail], long[head : len(long) - tail]
    swapped = len(was) == _SWAPPED and was == became[::-1]
    return swapped or len(became) <= (_SWAPPED if len(short) >= _DOUBLE_TYPO_CHARS else 1)


def _same_order(own: Sequence[str], other: Sequence[str]) -> bool:
    """Tell whether one order is the other, or the other with a phrase moved from one end to the other.

    Two words in each other's places are another request: "a cat bigger than a dog".
    """
    if all(one == two or _misspelt(one, two) for one, two in zip(own, other, strict=True)):
        return True
    turned = list(own) + list(own)
    return len(own) > _LEAST_WORDS and any(turned[at : at + len(own)] == other for at in range(1, len(own)))
