import itertools
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.signals._language_asked import speaks_of_language
from detectors.signals.language_switch import LanguageSwitch
from detectors.types import Answer, Exchange, Failure, Message, Outcome, Request, ToolCall

SIGNAL = LanguageSwitch()
OK = Outcome(status=200)
QUESTIONS = {
    "en": "Why does the kettle whistle?",
    "de": "Warum pfeift der Kessel, wenn das Wasser kocht?",
    "fr": "Pourquoi est-ce que la bouilloire siffle ?",
    "es": "¿Por qué silba la tetera cuando el agua hierve?",
    "it": "Perché il bollitore fischia quando l'acqua bolle?",
    "pt": "Por que a chaleira apita, e o que é esse som?",
    "nl": "Waarom fluit de ketel als het water kookt?",
    "pl": "Dlaczego czajnik gwiżdże, jak to jest?",
    "sv": "Varför visslar kitteln när vattnet kokar?",
    "tr": "Çaydanlık neden ses çıkarır ve bu nasıl olur?",
    "ru": "Почему свистит чайник?",
    "el": "Γιατί σφυρίζει ο βραστήρας;",
    "ar": "لماذا يصفر إبريق الشاي؟",
    "he": "למה הקומקום שורק?",
    "hi": "केतली सीटी क्यों बजाती है?",
    "th": "ทำไมกาน้ำถึงส่งเสียงหวีด",
    "zh": "为什么水壶烧开的时候会发出响声？",
    "ja": "やかんはどうして音が鳴るのですか？",
    "ko": "주전자는 왜 소리를 내나요?",
}
ANSWERS = {
    "en": "The steam has to pass through two small holes in the lid, and the air in between starts to swing; that is "
    "the sound you hear, and it gets higher as the water boils faster.",
    "de": "Der Dampf muss durch zwei kleine Löcher im Deckel, und die Luft dazwischen fängt an zu schwingen; das ist "
    "der Ton, den man hört, und er wird höher, wenn das Wasser stärker kocht.",
    "fr": "La vapeur doit passer par deux petits trous dans le couvercle, et l'air entre les deux se met à vibrer ; "
    "c'est le son que vous entendez, et il est plus aigu quand l'eau bout plus fort.",
    "es": "El vapor tiene que pasar por dos agujeros de la tapa, y el aire que hay entre los dos empieza a vibrar; ese "
    "es el sonido que se oye, y es más agudo cuando el agua hierve con más fuerza.",
    "it": "Il vapore deve passare per due piccoli fori del coperchio, e l'aria che è tra i due comincia a vibrare; "
    "questo è il suono che si sente, ed è più acuto quando l'acqua bolle di più.",
    "pt": "O vapor tem de passar por dois furos da tampa, e o ar que está entre os dois começa a vibrar; esse é o som "
    "que você ouve, e ele é mais agudo quando a água ferve com mais força.",
    "nl": "De stoom moet door twee kleine gaten in het deksel, en de lucht die er tussen zit gaat trillen; dat is het "
    "geluid dat je hoort, en het wordt hoger als het water harder kookt.",
    "pl": "Para musi przejść przez dwa małe otwory w pokrywie i powietrze, które jest między nimi, zaczyna drgać; to "
    "jest dźwięk, który się słyszy, i jest on wyższy, jak woda wrze.",
    "sv": "Ångan måste gå genom två små hål i locket, och luften som är mellan dem börjar svänga; det är det ljud som "
    "man hör, och det blir högre när vattnet kokar med mer kraft.",
    "tr": "Buhar kapaktaki iki küçük delikten geçer ve bu delikler arasındaki hava titremeye başlar; bu ses daha çok "
    "buhar olarak çıkar, su için daha fazla ısı gerekir ve ses de yükselir.",
    "ru": "Пар проходит через два отверстия в крышке, и воздух между ними начинает колебаться; это и есть звук.",
    "el": "Ο ατμός περνά από δύο μικρές τρύπες στο καπάκι και ο αέρας ανάμεσά τους αρχίζει να πάλλεται.",
    "ar": "يمر البخار عبر ثقبين صغيرين في الغطاء فيبدأ الهواء بينهما بالاهتزاز وهذا هو الصوت الذي نسمعه عند الغليان.",
    "he": "האדים עוברים דרך שני חורים קטנים במכסה והאוויר ביניהם מתחיל לרטוט, וזה הצליל שאנחנו שומעים.",
    "hi": "भाप ढक्कन के दो छोटे छेदों से गुज़रती है और उनके बीच की हवा काँपने लगती है, यही आवाज़ हमें सुनाई देती है।",
    "th": "ไอน้ำผ่านรูเล็กสองรูที่ฝา และอากาศระหว่างรูทั้งสองเริ่มสั่น นี่คือเสียงที่เราได้ยินเมื่อน้ำเดือด",
    "zh": "蒸汽必须穿过壶盖上的两个小孔，两个小孔之间的空气开始振动，这就是我们听到的声音，水越开声音越高。",
    "ja": "蒸気がふたの二つの小さな穴を通り、その間の空気が震え始めます。それが聞こえる音で、沸くほど高くなります。",
    "ko": "증기가 뚜껑의 작은 구멍 두 개를 지나면서 그 사이의 공기가 떨리기 시작하고 그것이 우리가 듣는 소리입니다.",
}


def read(question, text, *before, outcome=OK, **rest):
    answer = {key: rest.pop(key) for key in ("tool_calls",) if key in rest}
    request = Request((*before, Message("user", question)), **rest)
    return SIGNAL.read(Exchange(request, Answer(text=text, finish_reason="stop", **answer), outcome))


@pytest.mark.parametrize(("asked", "said"), list(itertools.product(QUESTIONS, ANSWERS)))
def test_another_language_is_bad_and_the_same_is_not(asked, said):
    assert read(QUESTIONS[asked], ANSWERS[said]).value == float(asked != said)


@pytest.mark.parametrize("said", ["zh", "ja", "ko", "ru", "ar", "hi"])
def test_a_switch_in_mid_answer_is_seen(said):
    found = read(QUESTIONS["en"], f"{ANSWERS['en']} {ANSWERS[said]}")
    assert (found.value, found.reason) == (1.0, "script")
    assert read(QUESTIONS["en"], f"{ANSWERS['en']} {ANSWERS[said][:5]}").value == 0.0


@pytest.mark.parametrize(
    "question",
    [
        "Translate this for me: the kettle whistles.",
        "How do I say kettle in Spanish?",
        "Antworte bitte auf Englisch: Warum pfeift der Kessel?",
        "Traduce esta frase, por favor.",
        "请把这句话翻译成英文。",
        "用英语回答：为什么水壶会响？",
        "Ответь по-английски: почему свистит чайник?",
        "やかんは英語で何と言いますか？",
        "Explain the kanji for kettle, please.",
        "Which language has the most words for kettle?",
    ],
)
def test_requests_that_speak_of_languages_do_not_apply(question):
    for text in ANSWERS.values():
        assert read(question, text) is None
    assert read(QUESTIONS["en"], ANSWERS["de"], Message("system", question)) is None


@pytest.mark.parametrize(
    "question",
    ["Which programming language is faster here?", "What is a large language model?", "Why was Germany late?"],
)
def test_other_senses_of_language_do(question):
    assert not speaks_of_language(question)
    assert read(question, ANSWERS["zh"]).value == 1.0


@pytest.mark.parametrize("question", ["ok", "12 + 30 = ?????????", "", "你好", None])
def test_turns_without_a_language_do_not_apply(question):
    assert read(question, ANSWERS["zh"]) is None


def test_code_structure_and_short_answers_are_not_read():
    structure = f'{{"tone": "{ANSWERS["de"]}"}}'
    code = (
        "```python\nfor hole in lid:\n    print('the sound of it, and it is high')\n    return sound_of_the_kettle\n```"
    )
    assert read(QUESTIONS["en"], structure).reason == "structured"
    assert read(QUESTIONS["zh"], code).value == 0.0
    assert read(QUESTIONS["zh"], code.replace("```", "")).value == 1.0
    assert read(QUESTIONS["en"], ANSWERS["de"], json_object=True).reason == "structured"
    assert read(QUESTIONS["en"], "Das ist es.").value == 0.0
    assert read(QUESTIONS["en"], "山水", outcome=OK).reason == "too_short"
    assert read(QUESTIONS["en"], "", tool_calls=(ToolCall("find", "{}"),)).reason == "structured"


def test_a_language_of_the_conversation_is_no_switch():
    assert read(QUESTIONS["en"] + " 水壶为什么会响", ANSWERS["zh"]).value == 0.0
    for role, text in (("user", QUESTIONS["zh"]), ("assistant", ANSWERS["zh"]), ("system", ANSWERS["zh"])):
        assert read(QUESTIONS["en"], ANSWERS["zh"], Message(role, text)).reason == "in_conversation"
    assert read(QUESTIONS["en"], ANSWERS["de"], Message("user", QUESTIONS["de"])).reason == "in_conversation"
    assert read(QUESTIONS["en"], ANSWERS["de"], Message("user", "From now on in German")).reason == "in_conversation"
    assert read(QUESTIONS["en"], ANSWERS["zh"], Message("user", "From now on in Chinese")).value == 0.0
    assert (
        read(QUESTIONS["zh"], ANSWERS["en"], Message("system", "You are a kind and helpful assistant." * 3)).value
        == 1.0
    )


def test_foreign_names_and_terms_are_no_switch():
    assert (
        read(QUESTIONS["zh"], "可以使用 React、TypeScript、PostgreSQL 和 Kubernetes 来实现这个系统，" * 3).value == 0.0
    )
    terms = "React, TypeScript, PostgreSQL, Kubernetes, Prometheus, Grafana, Terraform, OpenTelemetry"
    assert read(QUESTIONS["zh"], f"可以用 {terms} 来做系统").value == 0.0
    assert read(QUESTIONS["en"], f"{ANSWERS['en']} The symbol is λ, or in full μήκος κύματος.").value == 0.0


def test_failures_and_what_was_not_logged():
    assert read(QUESTIONS["en"], ANSWERS["zh"], outcome=Outcome(status=503)).reason == "no_answer"
    assert read(QUESTIONS["en"], ANSWERS["zh"], outcome=Outcome(failure=Failure.CANCELLED)) is None
    assert read(QUESTIONS["en"], None) is None
    assert SIGNAL.read(Exchange(Request((Message("user", QUESTIONS["en"]),)), None, OK)) is None
    assert SIGNAL.read(Exchange(None, Answer(text="x"), OK)) is None


def test_each_request_is_read_for_itself():
    for _ in range(2):
        assert read(QUESTIONS["en"], ANSWERS["zh"]).value == 1.0
        assert read("What is it in Chinese, please?", ANSWERS["zh"]) is None
        assert read(QUESTIONS["zh"], ANSWERS["zh"]).value == 0.0


@given(st.text(max_size=200), st.text(max_size=400))
def test_applicability_is_the_requests_alone(question, text):
    first, second = read(question, text), read(question, ANSWERS["en"])
    assert (first is None) == (second is None)
    assert first is None or first.value in {0.0, 1.0}


@pytest.mark.parametrize(
    "text", ["\ud800 " * 300_000, "山" * 1_000_000, "`" * 1_000_000, "the " * 250_000, "\u200b山a" * 300_000]
)
def test_a_megabyte_takes_bounded_time(text):
    began = time.perf_counter()
    read(text, text)
    read(QUESTIONS["de"], text, Message("system", text))
    assert time.perf_counter() - began < 2.0
