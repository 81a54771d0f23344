"""Ordinary follow-ups, invented: turns that look like corrections to a careless reader and are none.

``KINDS`` tells what each is: another value in a slot, another topic, thanks, a further wish, "no" as an answer, a
question about the answer, quoted or pasted text. Templates in 14 languages are filled from a seed.
"""

# ruff: noqa: E501 - a kind a line

import random
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["FollowUp", "follow_ups"]

_SEED = 20


@dataclass(frozen=True, slots=True)
class FollowUp:
    """What the assistant said last and what the user then said."""

    lang: str
    kind: str
    said: str
    turn: str


_STATES = {
    "en": ["It has about {n} inhabitants.", "The train takes {n} minutes.", "Here is the recipe for {n} people."],
    "de": ["Die Stadt hat etwa {n} Einwohner.", "Der Zug braucht {n} Minuten."],
    "fr": ["La ville compte {n} habitants.", "Le train met {n} minutes."],
    "es": ["La ciudad tiene {n} habitantes.", "El tren tarda {n} minutos."],
    "it": ["La città ha {n} abitanti.", "Il treno impiega {n} minuti."],
    "pt": ["A cidade tem {n} habitantes.", "O trem leva {n} minutos."],
    "nl": ["De stad heeft {n} inwoners.", "De trein doet er {n} minuten over."],
    "pl": ["Miasto ma {n} mieszkańców.", "Pociąg jedzie {n} minut."],
    "ru": ["В городе {n} жителей.", "Поезд идёт {n} минут."],
    "ja": ["人口は約{n}人です。", "電車で{n}分かかります。"],
    "ko": ["인구는 약 {n}명입니다.", "기차로 {n}분 걸립니다."],
    "zh": ["这座城市约有{n}人。", "坐火车需要{n}分钟。"],
    "ar": ["عدد السكان {n} نسمة.", "يستغرق القطار {n} دقيقة."],
    "hi": ["शहर की आबादी {n} है।", "ट्रेन को {n} मिनट लगते हैं।"],
}
_ASKS = {
    "en": ["Do you have any allergies?", "Would you like more details?", "Shall I add a table of contents?"],
    "de": ["Haben Sie Allergien?", "Soll ich mehr dazu schreiben?"],
    "fr": ["Avez-vous des allergies ?", "Voulez-vous plus de détails ?"],
    "es": ["¿Tienes alguna alergia?", "¿Quieres más detalles?"],
    "it": ["Hai allergie?", "Vuoi altri dettagli?"],
    "pt": ["Você tem alergias?", "Quer mais detalhes?"],
    "nl": ["Heb je allergieën?", "Wil je meer details?"],
    "pl": ["Czy masz alergie?", "Czy chcesz więcej szczegółów?"],
    "ru": ["У вас есть аллергия?", "Рассказать подробнее?"],
    "ja": ["アレルギーはありますか？", "もっと詳しく説明しましょうか？"],
    "ko": ["알레르기가 있으신가요?", "더 자세히 설명해 드릴까요?"],
    "zh": ["您对什么过敏吗？", "需要更多细节吗？"],
    "ar": ["هل لديك حساسية؟", "هل تريد المزيد من التفاصيل؟"],
    "hi": ["क्या आपको कोई एलर्जी है?", "क्या आप और जानकारी चाहते हैं?"],
}
_OFFERS = {
    "en": "Let me know if you need anything else.",
    "de": "Sag mir gern, wenn du noch etwas brauchst.",
    "fr": "N'hésitez pas si vous avez besoin d'autre chose.",
    "es": "Avísame si necesitas algo más.",
    "it": "Fammi sapere se ti serve altro.",
    "pt": "Avise se precisar de mais alguma coisa.",
    "nl": "Laat het weten als je nog iets nodig hebt.",
    "pl": "Daj znać, jeśli potrzebujesz czegoś jeszcze.",
    "ru": "Дайте знать, если понадобится что-то ещё.",
    "ja": "他に必要なことがあればお知らせください。",
    "ko": "더 필요한 것이 있으면 알려 주세요.",
    "zh": "如果还需要什么，请告诉我。",
    "ar": "أخبرني إن احتجت إلى شيء آخر.",
    "hi": "कुछ और चाहिए तो बताइए।",
}
_PLACES = {
    "zh": ["里斯本", "维也纳", "京都", "奥斯陆"],
    "ja": ["リスボン", "ウィーン", "京都", "オスロ"],
    "ko": ["리스본", "빈", "교토", "오슬로"],
    "ru": ["Лиссабон", "Вена", "Киото", "Осло"],
    "ar": ["لشبونة", "فيينا", "كيوتو", "أوسلو"],
    "hi": ["लिस्बन", "वियना", "क्योटो", "ओस्लो"],
}
_LATIN_PLACES = ["Lisbon", "Vienna", "Kyoto", "Oslo", "Porto", "Graz", "Bergen", "Turin"]

# One follow-up a line. After "=": the assistant stated something; after "?": it asked; after "~": it stated and offered.
_ENGLISH = r"""
slot= And in {place}? | What about {place}? | How about {n} people instead? | Same for {year}. | and for {year}?
slot= What is the population of {place}? | Now do the same with {place}. | Make it {n} instead of {m}. | How about Tuesday instead?
slot= Actually, make it {n} guests. | Can I use butter instead? | And what if I leave at {n}? | Not {place}? Then what about {place2}?
slot= Who is the mayor of {place}? | When was {place} founded? | Which one is closest to {place}? | Where do people go out in {place}?
slot= What about the weather in {place}? | What about the price? | How about the second one? | What about for a child?
topic= By the way, can you recommend a film? | Different question: how do magnets work? | Let's talk about dinner. | New topic. What is a monad?
topic= Ok. I need to write a letter to my landlord. | Now help me with my resume. | I have another question about {place}. | Switching gears, what should I pack?
topic= I want to learn Portuguese, where do I start? | I'm looking for a birthday present for my sister. | I need a hotel in {place} for {n} nights. | Sorry, one more question: is it cold in {place}?
thanks= Thanks, that's exactly what I asked for! | Great, thank you. | Perfect, not bad at all. | No wonder it is so popular, thanks! | That's what I meant, thanks.
thanks~ No, that's all, thanks. | No thanks. | Nope, all good! | No, I'm good. | No more questions, thank you. | no that's fine | Nothing else, thanks. | No, thank you so much!
thanks= You're right, I didn't know that. | Wow, I never thought of that. | Oh no, that's expensive! | No way, really? | No problem, I will wait. | Not what I expected, but interesting!
wish= Can you make it shorter? | Add a section about safety. | Please use bullet points. | Explain the second step in more detail. | Now translate it into French. | Write it in the style of a pirate.
wish= Could you include the prices as well? | I'd like it without nuts. | No sugar please, and less salt. | Not too spicy, please. | Don't mention my name in the letter. | Use metric units, not imperial ones, from now on.
wish= I want to know more about its history. | I'm curious about how that works. | I need to know the opening hours too. | I'm interested in the second option. | I mean to visit in spring, is that a good time? | I was wondering if you could also add a map.
wish= And without a car? | Make the tone more formal but not stiff. | Please also fix the typo in my draft: recieve. | I forgot to mention that I am vegetarian. | I forgot my password, how can I reset it? | I should have said that we are {n} people.
no? No. | No, I don't have any. | No, just the first one. | Nope. | No, none. | no, not really | No, the short one. | No, I never tried that. | No, leave it as it is. | Not yet. | Not that I know of. | No, only peanuts.
no? No, I want it in {place}. | no, next week | No, I am from {place}. | No, we have {n} children. | Not at the moment. | No, it's for work. | No, please continue. | No, the blue one.
no~ No, that is everything. | No, you have been very helpful. | No need. | Not now. | no, i think we are done
ask= Why is that? | Are you sure about the second number? | How do you know that? | Is it wrong to add cream? | What does inhabitants mean here? | Is that not too far for one day? | Did I forget anything?
ask= What happens if I miss the train? | What did they do wrong? | What if the guests didn't answer? | Why do people say it is not true? | Isn't it dangerous? | Where did they go wrong? | What is the most common mistake?
ask= But why does it rain so much there? | But how do I get there? | So what is the difference? | And who pays for it? | Does it also work without sugar? | But is it safe for kids? | Could it be a mistake in the bill?
quote= Translate into German: "No, I meant the other one." | My friend wrote "that's not what I asked". What should I reply? | What does "you misunderstood me" mean in Spanish? | How do you say no, I meant the other one in French?
quote= Rewrite this politely: you forgot to send the invoice and the amount is wrong. | Here is the review: "Wrong order, wrong size, useless." Summarize it. | Write a scene in which he says: No! I meant yesterday! | > that is wrong\nWhy did the reviewer write this?
quote= Classify the sentiment: the food was not what I wanted. | ```\nif answer == "no": raise ValueError("wrong")\n```\nexplain this code | Reply to this email: you did not answer my question about the rent. | `assert not wrong` what does this do?
story= My boss said I made a mistake, what should I do? | I got the wrong parcel from the shop. How do I return it? | My doctor told me not to eat salt. | I was told the museum is closed on Mondays. | She said no, what now? | The printer does not work, it shows error {n}.
story= I didn't sleep well. Any tips? | I don't want to go by plane. | My son did not understand his homework on fractions. | I never learned to swim, is {n} too old? | We were not happy with the hotel in {place}. | I told my sister about it and she loved it.
short= yes | ok | continue | go on | next | sure, do that | the second one | {place} | {n} | tomorrow | why? | both | maybe | I agree | done, what now? | more please
"""
_OTHERS = {
    "de": """
slot= Und in {place}? | Wie sieht es in {place} aus? | Das Gleiche für {year}. | Und für {n} Personen? | Wer ist Bürgermeister von {place}? | Mach {n} daraus statt {m}.
thanks= Danke, genau das meinte ich! | Super, vielen Dank. | Kein Wunder, danke! | Das wusste ich nicht, danke. | Nicht schlecht! | Kein Problem, ich warte.
thanks~ Nein danke. | Nein, das war alles. | Nein, alles gut. | Nee, passt schon. | Nein, vielen Dank für die Hilfe!
wish= Kannst du es kürzer machen? | Bitte ohne Nüsse. | Nicht zu scharf, bitte. | Ich möchte mehr über die Geschichte wissen. | Ich habe vergessen zu sagen, dass ich vegetarisch esse. | Schreib es förmlicher, aber nicht steif. | Bitte nicht den Namen nennen.
no? Nein. | Nein, nur das Erste. | Nein, ich habe keine. | Nee, nur Erdnüsse. | Noch nicht. | Nein, das ist für die Arbeit. | Nicht dass ich wüsste. | Nein, lieber nächste Woche.
ask= Warum ist das so? | Bist du sicher? | Ist es falsch, Sahne zu nehmen? | Was passiert, wenn ich den Zug verpasse? | Was ist der häufigste Fehler? | Aber wie komme ich dorthin? | Was meinst du dazu?
quote= Übersetze: "Nein, ich meinte den anderen." | Mein Chef schrieb „das habe ich nicht gemeint“. Was soll ich antworten? | Wie sagt man auf Englisch: das ist falsch?
story= Mein Chef sagt, ich habe einen Fehler gemacht. Was nun? | Ich habe das falsche Paket bekommen. | Ich wollte fragen, ob {place} schön ist. | Ich will nicht fliegen. | Der Drucker geht nicht, Fehler {n}. | Ich meine es ernst, ich ziehe nach {place}.
""",
    "fr": """
slot= Et à {place} ? | La même chose pour {year}. | Et pour {n} personnes ? | Qui est le maire de {place} ? | Plutôt {n} personnes, finalement.
thanks= Merci, c'est exactement ce que je voulais ! | Parfait, merci. | Pas mal ! | Je ne savais pas, merci. | Pas de souci, j'attends.
thanks~ Non merci. | Non, c'est tout. | Non, c'est bon, merci. | Non, ça ira.
wish= Tu peux faire plus court ? | Sans noix, s'il te plaît. | Pas trop épicé, s'il vous plaît. | Je voudrais en savoir plus sur son histoire. | J'ai oublié de dire que je suis végétarien. | Ajoute les prix aussi. | Je voulais aussi savoir s'il y a un parking.
no? Non. | Non, seulement le premier. | Non, je n'en ai pas. | Pas encore. | Non, c'est pour le travail. | Non, la semaine prochaine. | Non, plutôt le bleu.
ask= Pourquoi ? | Tu es sûr ? | Est-ce une erreur d'ajouter de la crème ? | Que se passe-t-il si je rate le train ? | Mais comment y aller ? | Qu'est-ce que ça veut dire ?
quote= Traduis : « Non, je parlais de l'autre. » | Mon ami a écrit « ce n'est pas ce que j'ai demandé ». Que répondre ? | Comment dit-on en anglais : c'est faux ?
story= Mon chef dit que j'ai fait une erreur. Que faire ? | J'ai reçu le mauvais colis. | Je ne veux pas prendre l'avion. | L'imprimante ne marche pas, erreur {n}. | Je parle français et un peu allemand.
""",
    "es": """
slot= ¿Y en {place}? | Lo mismo para {year}. | ¿Y para {n} personas? | ¿Quién es el alcalde de {place}? | Mejor que sean {n}.
thanks= Gracias, es justo lo que quería. | Perfecto, gracias. | ¡Nada mal! | No lo sabía, gracias. | No hay problema, espero.
thanks~ No, gracias. | No, eso es todo. | No, así está bien. | No, nada más.
wish= ¿Puedes hacerlo más corto? | Sin nueces, por favor. | No muy picante, por favor. | Quiero saber más sobre su historia. | Olvidé decir que soy vegetariano. | Añade también los precios. | Quería preguntar si hay aparcamiento.
no? No. | No, solo el primero. | No, no tengo. | Todavía no. | No, es para el trabajo. | No, la próxima semana. | No, el azul.
ask= ¿Por qué? | ¿Estás seguro? | ¿Está mal añadir nata? | ¿Qué pasa si pierdo el tren? | ¿Pero cómo llego? | ¿Cuál es el error más común? | ¿Qué quiere decir eso?
quote= Traduce: "No, me refería al otro." | Mi amigo escribió «eso no es lo que pregunté». ¿Qué respondo? | ¿Cómo se dice en inglés: eso está mal?
story= Mi jefe dice que cometí un error, ¿qué hago? | Me llegó el paquete equivocado. | No quiero ir en avión. | La impresora no funciona, error {n}. | Se me olvidó la contraseña.
""",
    "it": """
slot= E a {place}? | Lo stesso per il {year}. | E per {n} persone? | Chi è il sindaco di {place}?
thanks= Grazie, è proprio quello che volevo. | Perfetto, grazie. | Niente male! | Non lo sapevo, grazie.
thanks~ No, grazie. | No, è tutto. | No, va bene così. | No, nient'altro.
wish= Puoi farlo più corto? | Senza noci, per favore. | Non troppo piccante, per favore. | Vorrei sapere di più sulla sua storia. | Ho dimenticato di dire che sono vegetariano. | Aggiungi anche i prezzi.
no? No. | No, solo il primo. | No, non ne ho. | Non ancora. | No, è per lavoro. | No, la settimana prossima.
ask= Perché? | Sei sicuro? | È sbagliato aggiungere la panna? | Cosa succede se perdo il treno? | Ma come ci arrivo? | Che cosa vuol dire?
quote= Traduci: "No, intendevo l'altro." | Un amico ha scritto «non è quello che ho chiesto». Cosa rispondo?
story= Il mio capo dice che ho fatto un errore, che faccio? | Ho ricevuto il pacco sbagliato. | Non voglio prendere l'aereo. | Ho dimenticato la password.
""",
    "pt": """
slot= E em {place}? | O mesmo para {year}. | E para {n} pessoas? | Quem é o prefeito de {place}?
thanks= Obrigado, era isso que eu queria! | Perfeito, obrigada. | Nada mal! | Não sabia, obrigado.
thanks~ Não, obrigado. | Não, é só isso. | Não, está ótimo. | Não, mais nada.
wish= Pode fazer mais curto? | Sem nozes, por favor. | Não muito picante, por favor. | Quero saber mais sobre a história. | Esqueci de dizer que sou vegetariano. | No final, acrescente os preços. | No Brasil funciona igual?
no? Não. | Não, só o primeiro. | Não tenho. | Ainda não. | Não, é para o trabalho. | Não, semana que vem.
ask= Por quê? | Tem certeza? | É errado pôr creme? | O que acontece se eu perder o trem? | Mas como chego lá? | Qual é o erro mais comum?
quote= Traduza: "Não, eu quis dizer o outro." | Meu amigo escreveu "não foi isso que perguntei". O que respondo?
story= Meu chefe disse que cometi um erro, e agora? | Recebi o pacote errado. | Não quero ir de avião. | Esqueci a senha.
""",
    "nl": """
slot= En in {place}? | Hetzelfde voor {year}. | En voor {n} personen? | Wie is de burgemeester van {place}?
thanks= Bedankt, precies wat ik zocht! | Perfect, dank je. | Niet slecht! | Dat wist ik niet, bedankt.
thanks~ Nee, bedankt. | Nee, dat was alles. | Nee, dat is goed zo. | Nee hoor, niets meer.
wish= Kun je het korter maken? | Zonder noten graag. | Niet te pittig, alsjeblieft. | Ik wil meer weten over de geschiedenis. | Ik vergat te zeggen dat ik vegetariër ben. | Voeg ook de prijzen toe.
no? Nee. | Nee, alleen de eerste. | Nee, ik heb er geen. | Nog niet. | Nee, het is voor mijn werk. | Nee, volgende week.
ask= Waarom? | Weet je het zeker? | Is het fout om room toe te voegen? | Wat als ik de trein mis? | Maar hoe kom ik daar? | Wat bedoelen ze daarmee?
quote= Vertaal: "Nee, ik bedoelde de andere." | Hoe zeg je in het Engels: dat klopt niet?
story= Mijn baas zegt dat ik een fout heb gemaakt, wat nu? | Ik kreeg het verkeerde pakket. | Ik wil niet vliegen. | Ik ben mijn wachtwoord vergeten.
""",
    "pl": """
slot= A w {place}? | To samo dla {year}. | A dla {n} osób? | Kto jest burmistrzem {place}?
thanks= Dzięki, właśnie o to mi chodziło! | Świetnie, dziękuję. | Nieźle! | Nie wiedziałem, dzięki.
thanks~ Nie, dziękuję. | Nie, to wszystko. | Nie, wystarczy. | Nie, nic więcej.
wish= Możesz to skrócić? | Bez orzechów, proszę. | Nie za ostre, proszę. | Chcę wiedzieć więcej o historii. | Zapomniałem dodać, że jestem wegetarianinem. | Dodaj też ceny.
no? Nie. | Nie, tylko pierwsze. | Nie mam. | Jeszcze nie. | Nie, to do pracy. | Nie, w przyszłym tygodniu.
ask= Dlaczego? | Jesteś pewien? | Czy to błąd dodać śmietanę? | Co jeśli spóźnię się na pociąg? | Ale jak tam dojechać?
quote= Przetłumacz: „Nie, chodziło mi o drugi.” | Jak powiedzieć po angielsku: to nieprawda?
story= Szef mówi, że zrobiłem błąd, co teraz? | Dostałem złą paczkę. | Nie chcę lecieć samolotem. | Zapomniałem hasła.
""",
    "ru": """
slot= А в городе {place}? | То же самое для {year} года. | А на {n} человек? | Кто мэр города {place}?
thanks= Спасибо, именно это я и хотел! | Отлично, спасибо. | Неплохо! | Не знал, спасибо. | Не беда, подожду.
thanks~ Нет, спасибо. | Нет, это всё. | Нет, всё хорошо. | Нет, больше ничего.
wish= Можно покороче? | Без орехов, пожалуйста. | Не слишком остро, пожалуйста. | Хочу узнать больше об истории. | Забыл сказать, что я вегетарианец. | Добавь ещё цены. | Не упоминай моё имя.
no? Нет. | Нет, только первое. | Нет, у меня нет. | Ещё нет. | Нет, это для работы. | Нет, на следующей неделе.
ask= Почему? | Ты уверен? | Это ошибка — добавлять сливки? | Что если я опоздаю на поезд? | Но как туда добраться? | Что имеется в виду под жителями?
quote= Переведи: «Нет, я имел в виду другое». | Как сказать по-английски: это неправда?
story= Начальник говорит, что я ошибся, что делать? | Мне пришла не та посылка. | Не хочу лететь самолётом. | Я забыл пароль.
""",
    "ja": """
slot= {place}はどうですか？ | {year}年も同じようにお願いします。 | {n}人分だとどうなりますか？ | {place}の市長は誰ですか？
thanks= ありがとう、まさにそれです！ | 完璧です、ありがとうございます。 | 知りませんでした。 | 悪くないですね。 | なるほど、間違いないですね。
thanks~ いいえ、大丈夫です。 | いえ、結構です。 | いいえ、もう十分です。 | 特にありません。
wish= もっと短くしてください。 | ナッツなしでお願いします。 | あまり辛くしないでください。 | 歴史についてもっと知りたいです。 | 言い忘れましたが、ベジタリアンです。 | 値段も加えてください。
no? いいえ。 | いいえ、最初のだけで。 | いいえ、ありません。 | まだです。 | いや、仕事用です。 | 来週がいいです。
ask= どうしてですか？ | 本当ですか？ | クリームを入れるのは間違いですか？ | 電車に乗り遅れたらどうなりますか？ | そこへはどう行けばいいですか？ | よくある間違いは何ですか？
quote= 英語に訳して：「いいえ、そういう意味ではありません」 | 「違います」は丁寧な表現ですか？
story= 上司にミスをしたと言われました。どうすればいいですか？ | 違う荷物が届きました。返品できますか？ | 飛行機には乗りたくないです。 | パスワードを忘れました。
""",
    "ko": """
slot= {place}은 어때요? | {year}년도 똑같이 해 주세요. | {n}명이면요? | {place} 시장은 누구예요?
thanks= 고마워요, 바로 그거예요! | 완벽해요, 감사합니다. | 몰랐네요. | 나쁘지 않네요. | 역시 틀림없네요.
thanks~ 아니요, 괜찮아요. | 아뇨, 됐어요. | 아니요, 그게 다예요. | 아니요, 감사합니다.
wish= 더 짧게 해 주세요. | 견과류는 빼 주세요. | 너무 맵지 않게 해 주세요. | 역사에 대해 더 알고 싶어요. | 채식주의자라는 말을 깜빡했어요. | 가격도 추가해 주세요.
no? 아니요. | 아니요, 첫 번째만요. | 아니요, 없어요. | 아직요. | 아니, 업무용이에요. | 다음 주요.
ask= 왜요? | 확실해요? | 크림을 넣으면 잘못인가요? | 기차를 놓치면 어떻게 돼요? | 거기 어떻게 가요? | 가장 흔한 실수는 뭐예요?
quote= 영어로 번역해 줘: "아니요, 그 뜻이 아니에요." | "틀렸어요"는 공손한 표현인가요?
story= 상사가 제가 실수했다고 해요. 어떡하죠? | 다른 택배가 왔어요. 반품되나요? | 비행기는 타기 싫어요. | 비밀번호를 잊었어요.
""",
    "zh": """
slot= 那{place}呢？ | {year}年的也一样做一下。 | 如果是{n}个人呢？ | {place}的市长是谁？
thanks= 谢谢，这正是我想要的！ | 太好了，谢谢。 | 不错！ | 我之前不知道，谢谢。 | 没问题，我等着。 | 没错，谢谢。
thanks~ 不用了，谢谢。 | 不，就这些。 | 没有了，谢谢。 | 不，已经很好了。
wish= 能短一点吗？ | 请不要放坚果。 | 不要太辣。 | 我想多了解它的历史。 | 我忘了说我吃素。 | 把价格也加上。 | 不要提我的名字。
no? 不。 | 不，只要第一个。 | 没有。 | 还没有。 | 不是，是工作用的。 | 不，下周。
ask= 为什么？ | 你确定吗？ | 加奶油不对吗？ | 如果我错过了火车怎么办？ | 那怎么去？ | 最常见的错误是什么？
quote= 翻译成英文：“不，我说的是另一个。” | “你错了”怎么说比较礼貌？
story= 老板说我犯了错，怎么办？ | 我收到了错的包裹，怎么退？ | 我不想坐飞机。 | 我忘了密码。 | 打印机坏了，显示错误{n}。
""",
    "ar": """
slot= وماذا عن {place}؟ | نفس الشيء لسنة {year}. | وإذا كنا {n} أشخاص؟ | من هو عمدة {place}؟
thanks= شكرا، هذا بالضبط ما أردته! | ممتاز، شكرا. | ليس سيئا! | لم أكن أعرف، شكرا.
thanks~ لا شكرا. | لا، هذا كل شيء. | لا، يكفي. | لا، شكرا جزيلا.
wish= هل يمكنك اختصاره؟ | بدون مكسرات من فضلك. | ليس حارا جدا من فضلك. | أريد أن أعرف المزيد عن تاريخها. | نسيت أن أقول إنني نباتي. | أضف الأسعار أيضا.
no? لا. | لا، الأول فقط. | لا، ليس لدي. | ليس بعد. | لا، إنه للعمل. | لا، الأسبوع القادم.
ask= لماذا؟ | هل أنت متأكد؟ | هل إضافة الكريمة خطأ؟ | ماذا لو فاتني القطار؟ | لكن كيف أصل إلى هناك؟
quote= ترجم: "لا، قصدت الآخر". | كيف أقول بالإنجليزية «هذا خطأ»؟
story= مديري يقول إنني ارتكبت خطأ، ماذا أفعل؟ | وصلني الطرد الخطأ. | لا أريد السفر بالطائرة. | نسيت كلمة المرور.
""",
    "hi": """
slot= और {place} में? | {year} के लिए भी यही करो। | और {n} लोगों के लिए? | {place} का मेयर कौन है?
thanks= धन्यवाद, मुझे यही चाहिए था! | बहुत बढ़िया, धन्यवाद। | बुरा नहीं है! | मुझे पता नहीं था, धन्यवाद।
thanks~ नहीं, धन्यवाद। | नहीं, बस इतना ही। | नहीं, सब ठीक है। | नहीं, और कुछ नहीं।
wish= क्या इसे छोटा कर सकते हो? | बिना मेवे के, कृपया। | ज़्यादा तीखा नहीं, कृपया। | मुझे इसके इतिहास के बारे में और जानना है। | मैं बताना भूल गया कि मैं शाकाहारी हूँ। | कीमतें भी जोड़ दो।
no? नहीं। | नहीं, सिर्फ़ पहला वाला। | नहीं, मेरे पास नहीं है। | अभी नहीं। | नहीं, यह काम के लिए है। | नहीं, अगले हफ़्ते।
ask= क्यों? | क्या आपको यकीन है? | क्या क्रीम डालना गलत है? | अगर ट्रेन छूट जाए तो? | लेकिन वहाँ कैसे पहुँचूँ? | इसका क्या मतलब है?
quote= अनुवाद करो: "नहीं, मेरा मतलब दूसरा था।" | "यह गलत है" को विनम्रता से कैसे कहें?
story= मेरे बॉस ने कहा कि मैंने गलती की, अब क्या करूँ? | मुझे गलत पार्सल मिला। | मैं हवाई जहाज़ से नहीं जाना चाहता। | मैं पासवर्ड भूल गया।
""",
}

# Other domains: programs, office, school, shopping.
_DOMAINS = {
    "en": """
code= Now add type hints. | Can you write a test for it? | It works, but how do I run it in parallel? | I changed the loop and now it is slow, any idea? | What does the third line do? | Not sure I follow the regex part.
code= Port it to Rust please. | And without pandas? | The tests pass now, thanks. | Should I use a list or a set here? | I get a 404 when I call the second endpoint. | Wrap it in a class instead.
code= Also handle the case where the file does not exist. | Is there no way to do it in one query? | But what happens when two users save at once? | Why not just use a dictionary? | I don't understand recursion, can you explain? | Remove the comments.
office= Shorten the last paragraph. | Make it sound less angry. | My manager did not approve the budget, how do I respond? | Actually, send it to the whole team. | I need the same letter for a colleague. | The meeting was moved to {n} May, update the text.
office= Swap the first two bullets. | I wanted to ask about holidays as well. | Could you double-check the sum? | They said it was too expensive. What can I offer? | I forgot to attach the table, write a short apology. | No rush, but can you prepare slides next?
school= I think the answer is {n}. | Is it {n}? | Give me a harder one. | I don't know, tell me the answer. | Ok so velocity is not the same as speed? | Then why is the sky red in the evening? | Quiz me on chapter two.
school= In other words, it never stops? | So the verb comes last, right? | My teacher told us something different. | I was taught to carry the one. | What is the difference between mean and median? | That was quick! What about fractions?
shop= Do they also come in blue? | The red ones look nice but I want something cheaper. | Which is better for hiking? | I already have a tent. | Not the cheapest, but fine. | I would rather pay by card. | My size is {n}. | I didn't like the last pair I bought.
shop= How long does delivery to {place} take? | Is the other one waterproof? | Great, I'll take it. | I was looking at the green one earlier, is it still there? | What if it does not fit? | I never got a receipt for my last order.
chat= Haha, not bad. | No kidding! | That's so wrong on so many levels, lol. | I mean, it could be worse. | You never cease to amaze me. | Nothing beats homemade pizza. | I said hi to her for you. | It's not easy being green. | Not gonna lie, I am impressed.
chat~ No, just wanted to say thanks. | No, I think that covers it. | nah all good | no that was it | No that's perfect.
no? No, on Friday. | no i haven't | No, it's a gift for my dad. | Not really, only a bit of jazz. | Nope, never been there. | no, she is older | No idea. | No, two of each.
""",
    "de": """
code= Bitte noch Tests dazu. | Und ohne Schleife? | Warum nicht einfach ein Wörterbuch? | Jetzt läuft es, danke. | Das verstehe ich noch nicht ganz, erklär bitte Zeile drei. | Ich bekomme einen Fehler 404.
office= Kürze den letzten Absatz. | Mein Chef wollte nicht zustimmen. | Ich wollte noch nach Urlaub fragen. | Die Sitzung ist erst am {n}. Mai. | Lieber per Karte. | Gibt es das auch in Blau?
no? Nein, am Freitag. | Nein, ein Geschenk. | Nee, noch nie. | Keine Ahnung.
""",
    "fr": """
code= Ajoute des tests. | Et sans boucle ? | Pourquoi pas un dictionnaire ? | Ça marche, merci. | Je ne comprends pas la ligne trois, tu peux expliquer ?
office= Raccourcis le dernier paragraphe. | Mon chef n'a pas voulu. | Je voulais aussi parler des congés. | Plutôt par carte. | Il existe en bleu ?
no? Non, vendredi. | Non, un cadeau. | Non, jamais. | Aucune idée.
""",
    "es": """
code= Añade pruebas. | ¿Y sin bucle? | ¿Por qué no un diccionario? | Ya funciona, gracias. | No entiendo la línea tres, ¿me la explicas?
office= Acorta el último párrafo. | Mi jefe no quiso. | También quería hablar de las vacaciones. | Mejor con tarjeta. | ¿Lo hay en azul?
no? No, el viernes. | No, es un regalo. | No, nunca. | Ni idea.
""",
    "it": """
code= Aggiungi dei test. | E senza ciclo? | Perché non un dizionario? | Ora funziona, grazie. | Non capisco la riga tre, me la spieghi?
office= Accorcia l'ultimo paragrafo. | Il mio capo non ha voluto. | Meglio con la carta. | C'è anche in blu?
no? No, venerdì. | No, è un regalo. | No, mai. | Non lo so.
""",
    "pt": """
code= Adicione testes. | E sem laço? | Por que não um dicionário? | Agora funciona, obrigado. | Não entendo a linha três, pode explicar?
office= Encurte o último parágrafo. | Meu chefe não quis. | Melhor com cartão. | Tem em azul?
no? Não, sexta-feira. | Não, é um presente. | Não, nunca. | Não sei.
""",
    "nl": """
code= Voeg tests toe. | En zonder lus? | Waarom geen woordenboek? | Het werkt nu, bedankt. | Ik begrijp regel drie niet, kun je die uitleggen?
office= Maak de laatste alinea korter. | Mijn baas wilde niet. | Liever met de kaart. | Is die er ook in blauw?
no? Nee, vrijdag. | Nee, het is een cadeau. | Nee, nooit. | Geen idee.
""",
    "pl": """
code= Dodaj testy. | A bez pętli? | Czemu nie słownik? | Teraz działa, dzięki. | Nie rozumiem trzeciej linii, wyjaśnisz?
office= Skróć ostatni akapit. | Szef się nie zgodził. | Wolę kartą. | Jest też niebieski?
no? Nie, w piątek. | Nie, to prezent. | Nie, nigdy. | Nie wiem.
""",
    "ru": """
code= Добавь тесты. | А без цикла? | Почему не словарь? | Теперь работает, спасибо. | Не понимаю третью строку, объясни.
office= Сократи последний абзац. | Начальник не согласился. | Лучше картой. | А синий есть?
no? Нет, в пятницу. | Нет, это подарок. | Нет, никогда. | Не знаю.
""",
    "ja": """
code= テストも追加してください。 | ループなしだと？ | なぜ辞書ではないのですか？ | 動きました、ありがとう。 | 三行目がわかりません、説明してください。
office= 最後の段落を短くして。 | 上司は賛成しませんでした。 | カードで払いたいです。 | 青はありますか？
no? いいえ、金曜日です。 | いえ、贈り物です。 | わかりません。
""",
    "ko": """
code= 테스트도 추가해 주세요. | 반복문 없이는요? | 왜 사전이 아니에요? | 이제 돼요, 감사합니다. | 세 번째 줄이 이해가 안 돼요, 설명해 주세요.
office= 마지막 문단을 줄여 주세요. | 상사가 동의하지 않았어요. | 카드로 할게요. | 파란색도 있나요?
no? 아니요, 금요일이요. | 아니요, 선물이에요. | 모르겠어요.
""",
    "zh": """
code= 再加上测试。 | 不用循环呢？ | 为什么不用字典？ | 现在可以了，谢谢。 | 第三行我不明白，请解释一下。
office= 把最后一段缩短。 | 老板没有同意。 | 我想用卡付。 | 有蓝色的吗？
no? 不，星期五。 | 不是，是礼物。 | 不知道。
""",
    "ar": """
code= أضف اختبارات. | وبدون حلقة؟ | لماذا ليس قاموسا؟ | يعمل الآن، شكرا. | لا أفهم السطر الثالث، اشرحه.
office= اختصر الفقرة الأخيرة. | مديري لم يوافق. | أفضل الدفع بالبطاقة. | هل يوجد بالأزرق؟
no? لا، الجمعة. | لا، إنها هدية. | لا أعرف.
""",
    "hi": """
code= टेस्ट भी जोड़ो। | और बिना लूप के? | डिक्शनरी क्यों नहीं? | अब चल रहा है, धन्यवाद। | तीसरी लाइन समझ नहीं आई, समझाइए।
office= आखिरी पैराग्राफ छोटा करो। | बॉस ने मना कर दिया। | मैं कार्ड से दूँगा। | क्या नीले रंग में है?
no? नहीं, शुक्रवार को। | नहीं, यह तोहफ़ा है। | पता नहीं।
""",
}


def follow_ups() -> list[FollowUp]:
    """Return the whole set, the same each time; no turn occurs twice in a language."""
    source = random.Random(_SEED)  # noqa: S311 - an invented set, not a secret
    found: dict[tuple[str, str], FollowUp] = {}
    for lang, lines in (("en", _ENGLISH), *_OTHERS.items()):
        for _ in range(3 if lang == "en" else 2):
            for each in _filled(lang, lines, source):
                found.setdefault((each.lang, each.turn), each)
    for lang, lines in _DOMAINS.items():
        for each in _filled(lang, lines, source):
            found.setdefault((each.lang, each.turn), each)
    return list(found.values())


def _filled(lang: str, lines: str, source: random.Random) -> Iterator[FollowUp]:
    for line in lines.strip().splitlines():
        head, turns = line.split(" ", 1)
        kind, mode = head[:-1], head[-1]
        for turn in turns.split(" | "):
            states = source.choice(_STATES[lang])
            said = {"=": states, "?": source.choice(_ASKS[lang]), "~": f"{states} {_OFFERS[lang]}"}[mode]
            place, place2 = source.sample(_PLACES.get(lang, _LATIN_PLACES), 2)
            slots = {"place": place, "place2": place2, "year": str(source.randrange(1900, 2030))}
            slots |= {"n": str(source.randrange(2, 90)), "m": str(source.randrange(100, 900))}
            yield FollowUp(lang, kind, _fill(said, slots), _fill(turn.replace("\\n", "\n"), slots))


def _fill(template: str, slots: dict[str, str]) -> str:
    for name, value in slots.items():
        template = template.replace(f"{{{name}}}", value)
    return template
