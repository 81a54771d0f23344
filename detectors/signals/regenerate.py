"""Regeneration: the user asks for the same answer once more."""

import re
from dataclasses import dataclass
from typing import ClassVar

from typing_extensions import override

from detectors.signals._of_turns import TurnSignal
from detectors.signals._turns import fold, without_quotations
from detectors.types import Message, Reading

__all__ = ["MAX_TURN_CHARS", "Regenerate", "asks_again"]

MAX_TURN_CHARS = 120
"""Longer turns say what they want: they are read by ``retry_loop`` and ``correction``."""
_ASKED = Reading(1.0, "asked_again")
_OTHER = Reading(0.0, "other_request")

# One language a paragraph: a polite or unhappy word or two, then the command, then the end of a clause. "Try again
# later" or "regenerate the key" is about something else, and "one more" asks for another one of the kind.
_RULES = r"""
(?:(?:no|nope|ok|okay|hm+|um+|sorry|please|pls|wrong|bad|not good|still wrong|not quite|hey|well|can you|could you
|would you
|will you|just|now|let's|i want you to|i'd like you to)[,.!;: -]{1,3}){0,4}(?:(?:try|do|redo|answer|generate|write
|make|run)
(?: (?:it|that|this|your answer|the answer|your response|the response|everything
|the whole thing))?(?: all)?(?: once)?
(?: more)?(?: (?:again|over|once more|one more time|from scratch|from the beginning))+|one more time|once more
|(?:and )?again(?=[.!?]*$)
|(?:re-?generate|redo|re-?do|retry|re-?try|re-?answer|re-?run)(?: (?:it|that|this|please|the (?:answer|response
|reply|output|text|last one)
|your (?:answer|response|reply|last answer)|response|answer))?|(?:give|write
|generate)(?: me)? (?:a |an |another )?(?:new |different |better
 )?(?:answer|response|reply)(?: instead)?|another (?:try|attempt|go)|give it another (?:try|shot|go)|(?:i want
|i need) a
 (?:different|better|new) (?:answer|response)|start (?:over|again)|same question(?: again)?)(?=[,.!?;:]| please|$
| but\b| and this)

(?:(?:nein|nee|ok|okay|hm+|bitte|falsch|na ja|also|und|kannst du|könntest du|können sie
|jetzt)[,.!;: -]{1,3}){0,4}(?:(?:versuch\w*
|probier\w*|mach\w*|schreib\w*|generier\w*|antworte|antworten sie)(?: (?:es|das|sie|bitte|sie es|die antwort))*
 (?:noch ?mal|noch einmal|erneut|nochmals|neu)(?: bitte| neu)?|noch ?mal|noch einmal|erneut|nochmals|neu generieren
|neue antwort
|(?:gib mir )?(?:eine )?(?:andere|neue|bessere) antwort|wiederhole?(?: (?:das|die antwort))?
|regenerier\w*)(?=[,.!?;:]| bitte|$)

(?:(?:non|ok|hm+|bon|mais|s'il te plait|s'il vous plait|peux-tu|pouvez-vous
|tu peux)[,.!;: -]{1,3}){0,4}(?:(?:essa(?:ie|yez|yer)
|refai(?:s|tes|re)|recommence[rz]?|regenere[rz]?|reessa(?:ie|yez|yer)|repond\w*)(?:-le| ca| la reponse
| le)?(?: encore| a nouveau
| une fois| de nouveau)?|encore une fois|a nouveau|de nouveau|(?:donne-moi )?une (?:autre|nouvelle
|meilleure) reponse)
(?=[,.!?;:]| s'il|$)

(?:(?:no|ok|hm+|por favor|puedes|podrias|mal|pero)[,.!;: -]{1,3}){0,4}(?:(?:intent\w+|prueba|hazlo|haz|vuelve a
|responde|genera\w*)
(?:lo|la)?(?: (?:intentar(?:lo)?|hacer(?:lo)?|generar(?:lo)?|responder|la respuesta|esto|eso))?(?: (?:otra vez
|de nuevo|nuevamente))?
(?<!haz)(?<!prueba)(?<!vuelve a)(?<!responde)(?<!genera)|otra vez|de nuevo|una vez mas
|regenera\w*(?: la respuesta)?|rehaz\w*|(?:dame )?
(?:otra|una nueva|una mejor) respuesta)(?=[,.!?;:]| por favor|$)

(?:(?:no|ok|hm+|per favore|puoi|potresti|sbagliato|ma)[,.!;: -]{1,3}){0,4}(?:(?:riprova(?:re|ci)?|rifa(?:llo|rlo
|i)?|rigenera\w*
|ritenta|prova (?:di nuovo|ancora)|fallo (?:di nuovo|ancora)|rispondi (?:di nuovo|ancora))(?: (?:di nuovo|ancora
|la risposta))?
|di nuovo|ancora una volta|un'altra risposta|(?:dammi )?una (?:nuova|migliore|diversa) risposta)(?=[,.!?;:]
| per favore|$)

(?:(?:nao|ok|hm+|por favor|pode|voce pode|mas|errado)[,.!;: -]{1,3}){0,4}(?:(?:tent[ae]\w*|faca|refaca|refaz|gere
|regenere|regere
|responda)(?: (?:isso|a resposta|novamente|de novo|outra vez|mais uma vez))+|refaca|refaz|regenere|tente novamente
|de novo
|novamente|outra vez|mais uma vez|(?:me de )?(?:outra|uma nova) resposta)(?=[,.!?;:]| por favor|$)

(?:(?:nee|ok|hm+|kun je|alsjeblieft|fout|maar)[,.!;: -]{1,3}){0,4}(?:(?:probeer|doe|schrijf|genereer|antwoord
|maak)(?: (?:het|dat|dit
|je antwoord))* (?:opnieuw|nog eens|nog een keer|nogmaals|overnieuw)|opnieuw(?: (?:genereren|proberen))?
|nog een keer|nog eens
|nogmaals|overnieuw|(?:geef me )?een (?:ander|nieuw|beter) antwoord)(?=[,.!?;:]| alsjeblieft|$)

(?:(?:nie|ok|hm+|prosze|mozesz|ale|zle|możesz|proszę|źle)[,.!;: -]{1,3}){0,4}(?:(?:spróbuj|zrób|napisz|wygeneruj
|odpowiedz)(?: (?:to|odpowiedź))*
 (?:jeszcze raz|ponownie|od nowa)|jeszcze raz|ponownie|od nowa|wygeneruj ponownie|(?:daj )?(?:inną|nową
|lepszą) odpowiedź)
(?=[,.!?;:]| prosz|$)

(?:(?:нет|ок|хм+|пожалуйста|можешь|но|неправильно|неверно)[,.!;: -]{1,3}){0,4}(?:(?:попробуй\w*|сделай\w*|напиши\w*
|сгенерируй\w*
|ответь\w*|повтори\w*|давай)(?: (?:это|ответ|всё|все))*(?: (?:ещё раз|еще раз|снова|заново|по новой))+
|повтори\w*(?: ответ)?
|(?:ещё|еще) раз|снова|заново|переделай\w*|перегенерируй\w*|(?:дай )?(?:другой|новый) ответ)(?=[,.!?;:]| пожалуйста
|$)

(?:(?:いいえ|いや|違(?:う|います)|すみません|では|じゃあ|ええと)[,.!;: ]{0,3}){0,3}(?:もう(?:一度|いちど|一回
|1回)(?:(?:やって|やり直して|試して|答えて|回答して|生成して|書いて|お願い
(?:します|できますか)?)(?:みて)?(?:ください|くれ|もらえますか)?)?|やり(?:なおし|直し)(?:て(?:ください|くれ)?)?
|再生成(?:して(?:ください)?)?|再度(?:お願いします|回答して(?:ください)?)?|別の(?:回答|答え)
(?:を(?:ください|お願いします))?|書き直して(?:ください)?|リトライ)(?=[,.!?]|$)

(?:(?:아니(?:요|야)?|아뇨|음+|틀렸어(?:요)?)[,.!;: ]{1,3}){0,3}(?:다시(?: 한 ?번)?(?: (?:해 ?(?:줘|주세요|봐
|보세요)|시도해(?: ?(?:줘|주세요|봐))?|써 ?(?:줘|주세요)|답(?:변)?해 ?(?:줘|주세요)
|생성해 ?(?:줘|주세요)|대답해 ?(?:줘|주세요)))?|재생성(?:해 ?(?:줘|주세요))?|한 번 더(?: 해 ?(?:줘|주세요))?
|다른 (?:답변|답)(?:을)?(?: (?:줘|주세요))?)(?=[,.!?]|$)

(?:(?:不|不对|不對|不是|错了|錯了|嗯|请|請|好|那)[,.!;: ]{0,3}){0,3}(?:再(?:试|試|来|來|做|写|寫|生成|回答|说|說
|答)(?:一)?(?:次|遍|下)|重新(?:生成|回答|写|寫|来|來|做|试|試)(?:一(?:次|遍|下))?(?:吧)?
|重(?:试|試|写|寫|做|来|來)(?:一(?:次|遍|下))?|换(?:一)?个(?:回答|答案)|換(?:一)?個(?:回答|答案))(?=[,.!?吧]|$)

(?:(?:لا|حسنا|من فضلك|هل يمكنك|خطأ|رجاء)[,.!;: ]{1,3}){0,3}(?:(?:حاول|أعد|اعد|جرب|أجب|اكتب\w*)(?: (?:المحاولة
|الإجابة|الاجابة|التوليد|كتابتها|ذلك))?(?: (?:مرة أخرى|مرة اخرى|مجددا|من جديد))?
(?<!اكتب)(?<!جرب)|مرة (?:أخرى|اخرى)|مجددا|إجابة (?:أخرى|مختلفة))(?=[,.!?]| من فضلك|$)

(?:(?:नहीं|ठीक है|कृपया|गलत|अच्छा)[,.!;: ]{1,3}){0,3}(?:(?:एक बार )?(?:फिर से|दोबारा|दुबारा|पुनः)(?: (?:कोशिश|प्रयास
|लिखो|लिखिए|लिखें|उत्तर|जवाब|बनाओ|बनाएं|बनाइए|करो|करें|कीजिए|दो|दें|दीजिए))*|एक बार और
|(?:कोई )?(?:दूसरा|नया) (?:जवाब|उत्तर)(?: (?:दो|दें|दीजिए))?)(?=[,.!?]|$)
"""
_PARAGRAPHS = [rule.replace("\n", "") for rule in _RULES.strip().split("\n\n")]
_AGAIN = re.compile(fold("|".join(f"(?:{rule})" for rule in _PARAGRAPHS)))
# Without one of these there is no such command: looking for them first is cheaper.
_LATIN_CUE_WORDS = """
again over once one more time retry redo re-do regenerat re-generat re-try rerun re-run reanswer re-answer
scratch answer response reply another same nochmal noch erneut neu wieder antwort encore nouveau refai
recommence regener reessa reponse otra nuevo nuevamente intent prueba respuesta rehaz ripro rifa rigener
ritent ancora nuovo risposta tent refa novo novamente outra mais resposta regere opnieuw nog overnieuw raz
ponownie nowa odpowied
"""
_LATIN_CUES = tuple(_LATIN_CUE_WORDS.split())


@dataclass(frozen=True, slots=True)
class Regenerate(TurnSignal):
    """1 when the user's last turn is a command to answer again.

    Sees "try again", "regenerate", "do it over", "nochmal" and their like in 14 languages, in turns of at most 120
    characters that begin with it. Misses regeneration by a button, which sends the same request a second time:
    :mod:`detectors.reactions` finds that across requests. A wish for another one of the kind ("one more joke"), "try
    again later" and a quotation are no such command. It speaks about the answer before.

    Applies when the user has the last word and the assistant spoke before; never read on a shadow leg.
    """

    name: ClassVar[str] = "regenerate"
    version: ClassVar[int] = 1
    title: ClassVar[str] = "Regenerations"

    @override
    def read_turn(self, turn: str, messages: tuple[Message, ...], before: int) -> Reading | None:
        return _ASKED if asks_again(turn) else _OTHER


def asks_again(turn: str) -> bool:
    """Tell whether the turn is a command to answer again.

    >>> asks_again("No, try again please.")
    True
    >>> asks_again("Should I try again later?")
    False
    """
    if len(turn) > MAX_TURN_CHARS:
        return False
    text = " ".join(fold(without_quotations(turn)).split())
    if text.isascii() and not any(cue in text for cue in _LATIN_CUES):
        return False
    return _AGAIN.match(text) is not None
