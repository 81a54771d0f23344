import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.intake.language import LANGUAGES, LOOKED_AT, language_of


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "How many parcels go to Porto?"),
        ("en", "“Where” is the river — and why?"),
        ("en", "Translate this to Chinese: what is the time? 现在几点"),
        ("de", "Wie viele Pakete gehen nach Porto und was kostet das?"),
        ("fr", "Quelle est la capitale de la France et comment y aller ?"),
        ("es", "¿Cuál es la capital de España y cómo se llega?"),
        ("it", "Qual è la capitale dell'Italia e come si arriva?"),
        ("pt", "Qual é a capital de Portugal e como posso chegar lá?"),
        ("nl", "Wat is de hoofdstad van Nederland en hoe kom ik daar?"),
        ("pl", "Jaka jest stolica Polski i jak się tam dostać?"),
        ("sv", "Vad är huvudstaden i Sverige och hur kommer jag dit?"),
        ("tr", "Bu kitap ne kadar uzun ve nasıl bir sonu var?"),
        ("ro", "Care este capitala și cum ajung în oraș?"),
        ("cs", "Jak se to dělá a co je na tom těžké?"),
        ("id", "Apa yang bisa saya lakukan untuk anda di kota ini?"),
        ("vi", "Tôi có một con mèo và không có chó"),
        ("ru", "Какая столица России?"),
        ("uk", "Яка столиця України?"),
        ("ja", "日本の首都はどこですか"),
        ("ja", "東京都庁舎の所在地"),
        ("zh", "中国的首都是哪里？"),
        ("ko", "한국의 수도는 어디입니까"),
        ("ar", "ما هي عاصمة مصر"),
        ("fa", "پایتخت ایران چیست"),
        ("he", "מה השעה"),
        ("hi", "इस का क्या मतलब है"),
        ("el", "Ποια είναι η πρωτεύουσα"),
        ("th", "เมืองหลวงคืออะไร"),
    ],
)
def test_a_sentence_has_its_language(language, text):
    assert language_of(text) == language
    assert language in LANGUAGES


@pytest.mark.parametrize("text", ["", " ", "42", "😀😀😀", "List rivers.", "def f(x): return x + 1", "the the the"])
def test_what_does_not_tell_has_none(text):
    assert language_of(text) is None


def test_two_languages_with_as_many_words_are_none():
    assert language_of("the and") == "en"
    assert language_of("the and und der") is None


def test_only_the_beginning_counts():
    assert language_of("x" * LOOKED_AT + " the and of to") is None
    assert language_of(" " * (LOOKED_AT - 8) + " the and" + " und der die das" * 100) == "en"


@given(st.text())
def test_any_text_has_a_known_language_or_none(text):
    found = language_of(text)
    assert found is None or (found in LANGUAGES and re.fullmatch("[a-z]{2}", found))
