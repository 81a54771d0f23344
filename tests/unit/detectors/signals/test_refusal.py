import time

import pytest

from detectors.signals.refusal import OPENING_CHARS, Refusal, is_refusal
from detectors.types import Answer, Exchange, Failure, Message, Outcome, Request, ToolCall

CHAT = Request(messages=(Message("user", "hello"),))
SIGNAL = Refusal()

REFUSALS = [
    "I'm sorry, but I can't help with that.",
    "I’m sorry, but I can’t assist with that request.",
    "I cannot provide instructions for this.",
    "Unfortunately, I am not able to comply with your request.",
    "**I won't write that.** Let's talk about something else.",
    "As an AI assistant, I am unable to generate such content.",
    "I must respectfully decline.",
    "We can not fulfil this request.",
    "That goes against my programming and guidelines.",
    "<think>The user wants something odd.</think>\nI can't help with this.",
    "Es tut mir leid, aber dabei kann ich nicht helfen.",
    "Ich kann Ihnen leider keine Anleitung dazu geben.",
    "Ich bin nicht in der Lage, diese Anfrage zu beantworten.",
    "Je suis désolé, mais je ne peux pas vous aider.",
    "Je ne peux pas fournir ce genre d'informations.",
    "Lo siento, pero no puedo ayudarte con eso.",
    "No puedo proporcionar esa información.",
    "Mi dispiace, ma non posso aiutarti.",
    "Desculpe, mas não posso ajudar com isso.",
    "Het spijt me, maar ik kan je daar niet mee helpen.",
    "Извините, но я не могу помочь с этим.",
    "抱歉，我无法提供这方面的帮助。",
    "对不起，我不能回答这个问题。",
    "作为一个人工智能助手，我不能协助你完成这件事。",
    "申し訳ありませんが、そのご質問にはお答えできません。",
    "죄송하지만 그 요청은 도와드릴 수 없습니다.",
    "لا أستطيع مساعدتك في ذلك.",
    "क्षमा करें, मैं इसमें मदद नहीं कर सकता।",
    "Nie mogę pomóc w tej sprawie.",
]
ANSWERS = [
    "",
    "Sure! Here is the plan for your trip.",
    "I can't wait to help you plan the trip!",
    "I can't recommend this book enough.",
    "I cannot recommend the museum highly enough.",
    "I can't help but smile at this idea.",
    "You cannot use tabs in YAML; use spaces.",
    "Sorry for the confusion! The capital of Australia is Canberra.",
    "I'm sorry to hear that you had a bad day. Here is what may help.",
    'The phrase "I cannot help you" is in the first person.',
    "If the server says “I can't provide that”, restart it.",
    "The function cannot return None here.",
    "As an AI, I don't have access to the current weather.",
    "I do not know who won the match yesterday.",
    "Ich kann dir gerne helfen! Nicht vergessen: Salz.",
    "Das geht nicht ohne Hefe, nimm einen Würfel.",
    "Je ne sais pas si le magasin est ouvert, mais voici ses horaires.",
    "No hay problema, aquí tienes la receta.",
    "你不能在这里停车，请去停车场。",
    "当然可以，下面是一份食谱。",
    "Конечно! Вот рецепт.",
]


@pytest.mark.parametrize("text", REFUSALS)
def test_refusals_are_seen(text):
    assert is_refusal(text)


@pytest.mark.parametrize("text", ANSWERS)
def test_answers_are_left_alone(text):
    assert not is_refusal(text)


@pytest.mark.parametrize("text", REFUSALS[:10:3])
def test_only_the_opening_counts(text):
    assert not is_refusal("word " * (OPENING_CHARS // 5 + 1) + text)


def read(answer, *, request=CHAT, outcome=None):
    return SIGNAL.read(Exchange(request, answer, outcome or Outcome(status=200)))


@pytest.mark.parametrize(
    ("answer", "value", "reason"),
    [
        (Answer(text=REFUSALS[0]), 1.0, "refusal_text"),
        (Answer(text="Sure."), 0.0, "answered"),
        (Answer(text=None, refusal="no"), 1.0, "refusal_field"),
        (Answer(text="", finish_reason="content_filter"), 1.0, "content_filter"),
        (Answer(text=REFUSALS[0], tool_calls=(ToolCall("f", "{}"),)), 0.0, "tool_call"),
    ],
)
def test_answers_are_read(answer, value, reason):
    found = read(answer)
    assert (found.value, found.reason) == (value, reason)


def test_not_applicable_or_not_logged():
    assert read(Answer(text="x"), request=Request()) is None
    assert read(Answer(text="x"), request=None) is None
    assert read(Answer(text=None)) is None
    assert read(None) is None
    assert read(Answer(text="x"), outcome=Outcome(failure=Failure.CANCELLED)) is None


def test_a_failed_attempt_declines_nothing():
    assert read(None, outcome=Outcome(failure=Failure.TIMEOUT)).value == 0.0
    assert read(Answer(text="Your request cannot be processed."), outcome=Outcome(status=503)).value == 0.0


def test_a_content_filter_may_answer_with_an_error():
    blocked = Answer(text=None, finish_reason="content_filter")
    assert read(blocked, outcome=Outcome(status=400)).reason == "content_filter"


@pytest.mark.parametrize(
    "text",
    [
        "i " * 400_000,
        "sorry " * 100_000,
        "<think>" * 50_000,
        '"' * 300_000,
        "我" * 300_000,
        "ich kann " * 50_000,
        "i can't really " * 50_000,
        "je ne peux " * 50_000,
    ],
)
def test_reading_takes_bounded_time(text):
    started = time.perf_counter()
    is_refusal(text)
    assert time.perf_counter() - started < 0.5
