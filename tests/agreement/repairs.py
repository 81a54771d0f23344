"""Corrections, invented: turns that reject the assistant's statement, in 14 languages."""

# ruff: noqa: E501 - a kind a line

__all__ = ["REPAIRS"]

_TURNS = {
    "en": """No, I meant Paris in Texas. | That's not what I asked. | Wrong, it was 1998. | You forgot the second question.
Not the singer, the footballer. | I was asking about the river, not the company. | You misunderstood me. | That is incorrect.
No, I want the vegetarian one. | I said in euros, not dollars. | This doesn't answer my question. | You didn't include the table.
Sorry, I meant the 2019 model. | nope, wrong person | No. What is the population of the state? | That makes no sense.
I'm talking about the film, not the book. | You got the date wrong. | I asked for three ideas and you gave me two. | no i mean the other lake""",
    "de": """Nein, ich meinte den Fluss. | Das habe ich nicht gefragt. | Falsch, es war 1998. | Du hast die zweite Frage vergessen.
Nicht den Sänger, den Fußballer. | Das stimmt nicht. | Du hast mich missverstanden. | Nein, ich rede von der anderen Stadt.
Das ist nicht das, was ich wollte. | Das ergibt keinen Sinn. | Das beantwortet meine Frage nicht. | Nein, nicht Berlin, sondern Bonn.""",
    "fr": """Non, je parlais du fleuve. | Ce n'est pas ce que j'ai demandé. | C'est faux, c'était en 1998. | Tu as oublié la deuxième question.
Pas le chanteur, le footballeur. | Tu m'as mal compris. | Je voulais dire l'autre ville. | Ça n'a aucun sens. | Tu t'es trompé de date.
Ça ne répond pas à ma question. | Non, je veux dire le film. | C'est incorrect.""",
    "es": """No, me refería al río. | Eso no es lo que pregunté. | Está mal, fue en 1998. | Olvidaste la segunda pregunta.
No el cantante, sino el futbolista. | Me entendiste mal. | Quise decir la otra ciudad. | Eso no tiene sentido. | Te equivocaste de fecha.
No respondiste mi pregunta. | Incorrecto. | Estoy hablando de la película.""",
    "it": """No, intendevo il fiume. | Non è quello che ho chiesto. | È sbagliato, era il 1998. | Hai dimenticato la seconda domanda.
Non il cantante, ma il calciatore. | Mi hai frainteso. | Volevo dire l'altra città. | Non ha senso. | Hai sbagliato la data.
Non hai risposto alla mia domanda. | Sbagliato. | Parlavo del film.""",
    "pt": """Não, eu quis dizer o rio. | Não foi isso que perguntei. | Está errado, foi em 1998. | Você esqueceu a segunda pergunta.
Não o cantor, mas sim o jogador. | Você entendeu errado. | Eu estava falando da outra cidade. | Isso não faz sentido. | Você errou a data.
Isso não responde à minha pergunta. | Errado. | Me refiro ao filme.""",
    "nl": """Nee, ik bedoelde de rivier. | Dat vroeg ik niet. | Dat klopt niet, het was 1998. | Je bent de tweede vraag vergeten.
Niet de zanger, maar de voetballer. | Je hebt me verkeerd begrepen. | Ik bedoel de andere stad. | Dat slaat nergens op. | Fout.
Dat is niet wat ik vroeg. | Dat is geen antwoord op mijn vraag. | Nee, ik had het over de film.""",
    "pl": """Nie, chodziło mi o rzekę. | Nie o to pytałem. | To nieprawda, to było w 1998. | Zapomniałeś o drugim pytaniu.
Nie piosenkarz, tylko piłkarz. | Źle mnie zrozumiałeś. | Miałam na myśli inne miasto. | To nie ma sensu. | Błąd.
To nie odpowiada na moje pytanie. | Pomyliłeś datę. | Źle.""",
    "ru": """Нет, я имел в виду реку. | Я не это спрашивал. | Это неправда, это было в 1998. | Ты забыл второй вопрос.
Не певец, а футболист. | Ты меня не понял. | Я имела в виду другой город. | Это не имеет смысла. | Неправильно.
Это не отвечает на мой вопрос. | Ты перепутал дату. | Нет, я говорю о фильме.""",
    "ja": """いや、川のことです。 | そういう意味ではありません。 | 違います、1998年です。 | 二つ目の質問を忘れています。 | 歌手じゃなくて、サッカー選手です。
それは間違いです。 | 私が聞いたのは別の町です。 | 質問の答えになっていません。 | そんなことは聞いていません。 | それは違うよ。 | 誤解しています。 | いいえ、映画の方です。""",
    "ko": """아니요, 강을 말한 거예요. | 그걸 물어본 게 아니에요. | 틀렸어요, 1998년이에요. | 두 번째 질문을 빠뜨렸어요. | 가수 말고 축구 선수요.
잘못 이해했어요. | 제 말은 다른 도시라는 뜻이에요. | 그건 말이 안 돼요. | 날짜를 잘못 말했어요. | 제 질문에 대답을 안 했잖아요. | 그게 아니라 영화요. | 오답이에요.""",
    "zh": """不，我说的是河。 | 我问的不是这个。 | 不对，是1998年。 | 你忘了第二个问题。 | 不是歌手，是足球运动员。 | 你误解我了。 | 我指的是另一个城市。 | 这没有道理。
你把日期弄错了。 | 你没有回答我的问题。 | 错了。 | 答非所问。""",
    "ar": """لا، كنت أقصد النهر. | ليس هذا ما سألت عنه. | هذا خطأ، كان في 1998. | لقد نسيت السؤال الثاني. | ليس المغني، بل اللاعب. | لقد أسأت الفهم.
أعني المدينة الأخرى. | هذا لا معنى له. | أخطأت في التاريخ. | لم تجب على سؤالي. | غير صحيح. | لم أسأل عن هذا.""",
    "hi": """नहीं, मेरा मतलब नदी से था। | मैंने यह नहीं पूछा। | यह गलत है, 1998 था। | आप दूसरा सवाल भूल गए। | गायक नहीं, फुटबॉल खिलाड़ी। | आपने मुझे गलत समझा।
मैं दूसरे शहर की बात कर रहा हूँ। | इसका कोई मतलब नहीं है। | आपने तारीख गलत बताई। | आपने मेरे सवाल का जवाब नहीं दिया। | गलत। | यह सही नहीं है।""",
}
REPAIRS = {
    lang: [turn.strip() for line in turns.splitlines() for turn in line.split("|")] for lang, turns in _TURNS.items()
}
"""Turns by language."""
