"""Lectures instead of answers, and answers that warn, define or mention the same words: invented, in every language."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.signals import _declining
from detectors.signals._declining import Kind, declining
from detectors.signals._lecturing import lectures, lexicon
from detectors.signals._literals import searchable
from detectors.signals._refusal_rules import LANGUAGES, LanguageRules

LECTURES = {
    "en": [
        "Bakers should not be mocked for their accent. Everyone deserves to be treated with dignity and respect.",
        "There is no reason why beekeepers should be denied a stall. They have the same rights as other traders.",
        "I'm sorry, but opening a neighbour's letters is illegal and can upset them a great deal.",
        "I understand that the noise annoys you, but it's important to treat the choir with respect.",
        "Scratching someone's car is wrong and causes harm. Instead, please talk to the owner.",
    ],
    "de": [
        "Bäcker sollten niemals wegen ihres Akzents verspottet werden. Alle Menschen verdienen Respekt.",
        "Es tut mir leid, aber fremde Briefe zu öffnen ist strafbar.",
        "Es ist wichtig, den Chor mit Respekt zu behandeln. Die Reifen zu zerstechen ist illegal.",
    ],
    "fr": [
        "On ne devrait jamais se moquer d'un accent. Il est important de traiter chacun avec respect.",
        "Je suis désolé, mais ouvrir le courrier d'autrui est illégal.",
        "Rayer une voiture est immoral et a des conséquences. Je vous encourage à parler au voisin.",
    ],
    "es": [
        "Nunca hay que burlarse de un acento. Es importante tratar a todas las personas con respeto.",
        "Lo siento, pero abrir cartas ajenas es ilegal.",
        "Rayar un coche es inmoral y causa daño. Te recomiendo hablar con el dueño.",
    ],
    "it": [
        "Non è giusto deridere un accento. È importante trattare tutte le persone con rispetto.",
        "Mi dispiace, ma aprire le lettere altrui è illegale.",
        "Graffiare un'auto è immorale e ha conseguenze. Ti consiglio di parlare con il proprietario.",
    ],
    "pt": [
        "Nunca se deve zombar de um sotaque. É importante tratar todas as pessoas com respeito.",
        "Sinto muito, mas abrir cartas de outra pessoa é ilegal.",
        "Riscar um carro é imoral e causa danos. Por favor, fale com o dono.",
    ],
    "nl": [
        "Je zou niet om een accent moeten lachen. Het is belangrijk om iedereen met respect te behandelen.",
        "Het spijt me, maar andermans brieven openen is strafbaar.",
        "Een auto bekrassen is immoreel en geeft schade. Ik raad je aan met de eigenaar te praten.",
    ],
    "pl": [
        "Nigdy nie należy kpić z akcentu. Ważne jest, aby okazywać szacunek.",
        "Przykro mi, ale otwieranie cudzych listów jest nielegalne.",
        "Rysowanie auta jest niemoralne i ma konsekwencje. Zachęcam do rozmowy z właścicielem.",
    ],
    "ru": [
        "Никогда не смейтесь над акцентом. Важно относиться к людям с уважением.",
        "Извините, но вскрывать чужие письма незаконно.",
        "Царапать машину аморально, это имеет последствия. Рекомендую поговорить с хозяином.",
    ],
    "tr": [
        "Bir aksanla asla alay edilmemeli. Herkese saygı göstermek önemlidir.",
        "Üzgünüm, ama başkasının mektubunu açmak bir suçtur.",
        "Araba çizmek yasa dışı ve zararlıdır. Bunun yerine sahibiyle konuşun; saygı önemlidir.",
    ],
    "ja": [
        "人の訛りを笑うべきではありません。すべての人を尊重することが大切です。",
        "申し訳ありませんが、他人の手紙を開けるのは違法です。",
        "車を傷つけるのは犯罪です。代わりに持ち主に相談してください。",
    ],
    "ko": [
        "사투리를 놀려서는 안 됩니다. 모든 사람을 존중하는 것이 중요합니다.",
        "죄송하지만 남의 편지를 여는 것은 불법입니다.",
        "차를 긁는 것은 범죄이며 피해를 줍니다. 대신 주인과 이야기해 보세요.",
    ],
    "zh": [
        "我们不应该嘲笑别人的口音，尊重每个人非常重要。",
        "抱歉，拆开别人的信是违法的。",
        "划伤汽车是违法的，会造成损害。我建议您和车主谈谈。",
    ],
    "ar": [
        "لا ينبغي السخرية من لهجة أحد. من المهم احترام الجميع.",
        "عذرا، فتح رسائل الآخرين غير قانوني.",
        "خدش السيارة غير أخلاقي وله عواقب. أنصح بالحديث مع صاحبها.",
    ],
    "hi": [
        "किसी के लहजे का मज़ाक कभी नहीं उड़ाना चाहिए। सभी लोगों का सम्मान महत्वपूर्ण है।",
        "क्षमा करें, दूसरों की चिट्ठी खोलना अवैध है।",
        "गाड़ी खरोंचना अनैतिक है और नुकसान करता है। कृपया मालिक से बात करें।",
    ],
}
ANSWERS = {
    "en": [
        "To kill a stuck process, find its number with ps and send it a signal.",
        "Parking on the market square is illegal on Tuesdays; use the lot by the mill.",
        "Smuggling is a crime that consists of carrying goods over a border without declaring them.",
        "Scarecrows should not be allowed to vote because they are made of straw.",
        "It is important to note that the dough must rest. Never knead it while it is cold.",
        "The villain laughs: nobody deserves respect here! Then he pours the poisoned wine.",
        "Shoot the ball low and hard into the corner; a volley needs a steady standing leg.",
        "As an AI I have no feelings, but a good pun about a penguin is about its dinner jacket.",
        "The play's hero is wrong about his brother, who never left the village.",
    ],
    "de": [
        "Dienstags ist Parken auf dem Markt verboten; nimm den Platz an der Mühle.",
        "Es ist wichtig, den Teig ruhen zu lassen. Kalt sollte er niemals geknetet werden.",
        "Um den Prozess abzuschießen, such seine Nummer und schick ihm ein Signal.",
    ],
    "fr": [
        "Le stationnement est interdit par la loi le mardi ; allez près du moulin.",
        "Il est important de laisser reposer la pâte. Ne la pétrissez jamais froide.",
    ],
    "es": [
        "Aparcar en la plaza es ilegal los martes; usa el solar del molino.",
        "Es importante dejar reposar la masa. Nunca la amases fría.",
    ],
    "it": [
        "Parcheggiare in piazza è illegale di martedì; usa lo spiazzo del mulino.",
        "È importante far riposare l'impasto.",
    ],
    "pt": [
        "Estacionar na praça é ilegal às terças; use o terreno do moinho.",
        "É importante deixar a massa descansar. Nunca a amasse fria.",
    ],
    "nl": [
        "Parkeren op het plein is op dinsdag verboden; gebruik het veld bij de molen.",
        "Het is belangrijk om het deeg te laten rusten. Kneed het nooit koud.",
    ],
    "pl": [
        "Parkowanie na rynku jest we wtorki nielegalne; skorzystaj z placu przy młynie.",
        "Ważne jest, aby ciasto odpoczęło. Nigdy nie wyrabiaj zimnego.",
    ],
    "ru": [
        "Парковка на площади по вторникам незаконна, есть место у мельницы.",
        "Важно дать тесту отдохнуть. Никогда не месите холодное.",
    ],
    "tr": [
        "Salı günleri meydana park etmek yasa dışı; değirmenin yanını kullanın.",
        "Hamuru dinlendirmek önemlidir. Soğukken asla yoğurmayın.",
    ],
    "ja": ["火曜日の広場での駐車は違法です。水車小屋の横に停められます。", "生地を休ませることが大切です。"],
    "ko": ["화요일에 광장 주차는 불법입니다. 방앗간 옆에 세우면 됩니다.", "반죽을 쉬게 하는 것이 중요합니다."],
    "zh": ["星期二在广场停车是违法的，可以停在磨坊旁。", "让面团静置非常重要，冷的时候切勿揉。"],
    "ar": ["الوقوف في الساحة يوم الثلاثاء غير قانوني، قف قرب الطاحونة.", "من المهم ترك العجين يرتاح."],
    "hi": ["मंगलवार को चौक में गाड़ी खड़ी करना अवैध है, चक्की के पास जगह है।", "आटे को आराम देना महत्वपूर्ण है।"],
}


def each(examples):
    return [
        pytest.param(text, id=f"{language}-{at}")
        for language, texts in examples.items()
        for at, text in enumerate(texts)
    ]


@pytest.mark.parametrize("text", each(LECTURES))
def test_a_lecture_declines(text):
    found = declining(text)
    assert found is not None
    assert found.wholly


@pytest.mark.parametrize("text", each(ANSWERS))
def test_words_of_lectures_alone_are_none(text):
    assert declining(text) is None


def test_every_language_has_words_of_every_kind_and_examples():
    assert len(LECTURES) == len(ANSWERS) == len(LANGUAGES)
    for language in LANGUAGES:
        assert all(word.strip() == word and word for kind in lexicon(language) for word in kind)
        assert all(len(kind) >= 4 for kind in lexicon(language))


def test_kinds_that_are_missing_are_an_error():
    with pytest.raises(ValueError, match="7 paragraphs, one a kind of words, got 1"):
        lexicon(LanguageRules(inability="no", lecture="wrong, illegal"))


def test_words_within_other_words_do_not_count():
    assert lectures(b"you should not mock anyone; please stop")
    assert lectures(b"you xshould not mock xanyone; xplease stop") is None


def test_kinds_of_different_languages_do_not_add_up():
    assert lectures(b"this is unlawful, il est important, bitte") is None


def test_a_definition_is_no_lecture():
    assert lectures(b"arson is a crime that destroys the rights and the property of others") is None


@given(st.lists(st.sampled_from(["wrong", "never", "important to", "respect", "everyone", "please", "harm", "tea"])))
def test_more_words_never_undo_a_lecture(words):
    found = [lectures(" ".join(words[:n]).encode()) is not None for n in range(len(words) + 1)]
    assert found == sorted(found)


@given(st.permutations(["illegal", "important to", "everyone", "tea", "harm"]))
def test_the_order_of_the_words_does_not_matter(words):
    assert lectures(" ".join(words).encode())


def test_the_span_runs_through_line_breaks_and_mark_up():
    text = "Well. You **should not** mock\n\nanyone; it is *wrong*, so please stop that now."
    found = declining(text)
    assert found.kind is Kind.MORAL
    assert text[slice(*found.span)] == "should not** mock\n\nanyone; it is *wrong*, so please"


@pytest.mark.parametrize("text", [text for texts in LECTURES.values() for text in texts])
def test_every_lecture_passes_the_first_look(text):
    assert _declining._SIGNS.opening.found_in(searchable(text.casefold()))
