import pytest

from detectors.signals.partial_refusal import PartialRefusal
from detectors.signals.refusal import Refusal
from detectors.types import Answer, Exchange, Failure, Message, Outcome, Request

CHAT = Request(messages=(Message("user", None),))
TOUR = (
    "Start at the mill and follow the brook to the second bridge, where a path leads up to the chapel. From the chapel "
    "you see the whole valley. Go down on the other side, past the orchard, and take the bus from the school back to "
    "the station; it leaves twice an hour until eight in the evening. Bring water, because there is no well on the way."
)
TOURS = {
    "de": "Los geht es an der Mühle, dann am Bach entlang bis zur zweiten Brücke, wo ein Weg zur Kapelle führt. Von "
    "dort sieht man das ganze Tal. Hinunter geht es auf der anderen Seite, am Obstgarten vorbei, und mit dem "
    "Bus zurück zum "
    "Bahnhof; er fährt zweimal in der Stunde bis acht Uhr abends. Wasser mitnehmen, unterwegs gibt es keinen Brunnen.",
    "es": "Sal del molino y sigue el arroyo hasta el segundo puente, donde un camino sube a la capilla. Desde "
    "allí se ve "
    "todo el valle. Baja por el otro lado, junto al huerto, y toma el autobús de la escuela a la estación; sale "
    "dos veces "
    "por hora hasta las ocho de la tarde. Lleva agua, porque en el camino no hay ninguna fuente para beber.",
    "fr": "Partez du moulin et suivez le ruisseau jusqu'au second pont, où un sentier monte à la chapelle. De "
    "là on voit "
    "toute la vallée. Redescendez de l'autre côté, le long du verger, et prenez le car de l'école à la gare ; il part "
    "deux fois par heure jusqu'à huit heures du soir. Prenez de l'eau, car il n'y a pas de fontaine en chemin.",
    "zh": "从磨坊出发，沿着小溪走到第二座桥，那里有一条小路通向教堂。从教堂可以看到整个山谷。从另一边下山，经过果园，"
    "在学校门口坐车回火车站，每小时两班，一直到晚上八点。记得带水，路上没有水井。" * 4,
}
OPENING_THEN_ANSWER = [
    "I can't tell you where the baker lives. However, here is what the village website says about his shop: " + TOUR,
    "I cannot share the owner's map, but I can describe the way in words. " + TOUR,
    "Ich kann die Adresse nicht nennen, aber hier ist der Weg zur Bäckerei: " + TOURS["de"],
    "No puedo darte su dirección, pero aquí tienes el camino hasta la panadería: " + TOURS["es"],
    "Je ne peux pas donner son adresse, mais voici le chemin de la boulangerie : " + TOURS["fr"],
]
ANSWER_THEN_REFUSAL = [
    TOUR + " I won't tell you the code of the chapel door, though.",
    TOUR + " As for the second part, I cannot help you get around the ticket gate.",
    TOURS["de"] + " Den Code der Kapelle kann ich dir allerdings nicht geben.",
    TOURS["es"] + " En cambio, no puedo darte el código de la capilla.",
    TOURS["fr"] + " En revanche, je ne peux pas vous donner le code de la chapelle.",
    TOURS["zh"] + "至于教堂的门锁密码，我不能提供。",
]
NOT_PARTIAL = [
    TOUR,
    TOUR + " I cannot guarantee that the bus runs on holidays.",
    TOUR + " I don't have access to today's timetable, so I can't tell you the platform.",
    TOUR + " This is general information; I cannot provide legal advice.",
    TOUR + ' The sign says: "No entry. I cannot help you. Go away."',
    TOUR + "\n```\nprint('I cannot help with that')\n```\n",
    TOUR + " You cannot enter the orchard.",
    "I'm sorry, but I can't help with that.",
    "I can't help with that. However, I can help with other questions about the village. " + TOUR[160:],
]


def readings(text):
    exchange = Exchange(CHAT, Answer(text=text), Outcome(status=200))
    return Refusal().read(exchange), PartialRefusal().read(exchange)


@pytest.mark.parametrize("text", OPENING_THEN_ANSWER + ANSWER_THEN_REFUSAL)
def test_a_part_declined_is_not_the_whole(text):
    whole, part = readings(text)
    assert (whole.value, whole.reason) == (0.0, "partly")
    assert part.value == 1.0
    assert part.reason in {"inability", "unwilling"}
    assert part.span == whole.span


@pytest.mark.parametrize("text", NOT_PARTIAL)
def test_caveats_quotations_and_whole_refusals_are_not_partial(text):
    assert readings(text)[1].value == 0.0


def test_a_list_after_a_refusal_counts_in_both():
    ways = (
        "\n1. Ask the owner for a key.\n2. Call the locksmith in the high street.\n3. Wait for the caretaker, who is "
    )
    text = "I can't help you open that door." + ways + "there from seven to nine and knows every lock in the house."
    whole, part = readings(text)
    assert (whole.value, part.value) == (1.0, 1.0)


def test_the_span_is_the_sentence_that_declines():
    text = ANSWER_THEN_REFUSAL[0]
    begin, end = readings(text)[1].span
    assert text[begin:end] == " I won't tell you the code of the chapel door, though"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer(text=None, refusal="no"), "declared"),
        (Answer(text="Well", finish_reason="content_filter"), "content_filter"),
        (Answer(text="I must decline."), "wholly"),
        (Answer(text="Sure."), "answered"),
    ],
)
def test_what_is_declined_as_a_whole_is_no_part(answer, reason):
    found = PartialRefusal().read(Exchange(CHAT, answer, Outcome(status=200)))
    assert (found.value, found.reason) == (0.0, reason)


def test_applies_as_refusal_does():
    signal = PartialRefusal()
    assert signal.read(Exchange(None, Answer(text="x"))) is None
    assert signal.read(Exchange(CHAT, Answer(text=None))) is None
    assert signal.read(Exchange(CHAT, None, Outcome(failure=Failure.CANCELLED))) is None
    assert signal.read(Exchange(CHAT, None, Outcome(failure=Failure.TIMEOUT))).reason == "no_answer"
    assert signal.read_failure(Outcome(failure=Failure.CANCELLED)).value == 0.0


def test_of_many_sentences_the_last_is_looked_at():
    text = TOUR + " I cannot praise the view enough." * 12 + " I won't tell you the code of the chapel door."
    assert readings(text)[1].value == 1.0
