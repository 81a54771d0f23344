import time

import pytest

from detectors.signals.regenerate import MAX_TURN_CHARS, Regenerate, asks_again
from detectors.types import Answer, Exchange, Indicts, Message, Outcome, Request

AGAIN = """try again | Try again! | Please regenerate. | regenerate response | No, do it again
once more | again | redo it | Can you try again? | Could you answer again, please?
start over | give me a different answer | retry | nochmal | Versuch es nochmal
Bitte noch einmal. | Mach das bitte neu | andere Antwort | Réessaie | Encore une fois
Recommence | inténtalo de nuevo | otra vez | Regenera la respuesta | riprova | di nuovo
tente novamente | tenta de novo | probeer opnieuw | nog een keer
spróbuj jeszcze raz | jeszcze raz | попробуй еще раз | Ещё раз | もう一度 | やり直して
再生成してください | 다시 해 주세요 | 한 번 더 | 再试一次 | 重新生成 | 换个回答 | حاول مرة أخرى | أعد الإجابة
फिर से कोशिश करो | दोबारा"""
OTHER = """Should I try again later? | I'll try again tomorrow | How do I regenerate my API key?
One more joke | Is it over? | one more question: why? | the answer is 42
try adding a test | Another one | run the tests again after the build | Make it shorter
the server says "try again" | again, thanks for the help with the visa | Noch eine Frage
Noch ein Witz | neu in der Stadt | De nouveaux exemples | otra pregunta
nuevo en la ciudad | ancora un esempio | nog een vraag | jeszcze jeden
ещё один пример | もう一つ | もっと | 다른 예시 | 再来一个 | 再见 | मैं फिर से आऊंगा
يجب أن أحاول"""


def turns(text):
    return [turn.strip() for line in text.splitlines() for turn in line.split("|")]


@pytest.mark.parametrize("turn", turns(AGAIN))
def test_commands_to_answer_again_are_seen(turn):
    assert asks_again(turn)


@pytest.mark.parametrize("turn", turns(OTHER))
def test_other_turns_are_left_alone(turn):
    assert not asks_again(turn)


def test_long_turns_say_what_they_want():
    assert asks_again("try again" + "!" * (MAX_TURN_CHARS - 9))
    assert not asks_again("try again" + "!" * MAX_TURN_CHARS)


def read(*messages):
    return Regenerate().read(Exchange(Request(messages=messages), Answer("x"), Outcome(status=200)))


def test_applies_when_the_user_speaks_after_an_answer():
    first, answer, again = Message("user", "A poem."), Message("assistant", "Roses"), Message("user", "try again")
    assert Regenerate.indicts is Indicts.PREVIOUS
    assert read(first, answer, again).value == 1.0
    assert read(first, answer, Message("user", "lovely")).value == 0.0
    assert read(again) is None
    assert read(first, answer) is None
    assert read(first, answer, Message("user", None)) is None
    assert Regenerate().read(Exchange()) is None


@pytest.mark.parametrize(
    "text", ["no, " * 30, "try again " * 12, "다시 " * 40, "\ud800" * 120, "nein bitte " * 10, "再" * 120]
)
def test_reading_takes_bounded_time(text):
    started = time.perf_counter()
    asks_again(text)
    assert time.perf_counter() - started < 0.2
