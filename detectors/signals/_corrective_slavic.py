"""Corrective language in Polish and Russian, as data; :mod:`_corrective` says how it is read."""

__all__ = ["SLAVIC"]

_POLISH = {
    "cues": """
nie błąd błędna błędne błędny błędnie źle chodziło pytałem pytałam pytam prosiłem prosiłam zapomniałeś zapomniałaś
miałem
miałam pomyliłeś pomyliłaś mylisz niepoprawnie nieprawda nieprawidłowo bzdura zrozumiałeś zrozumiałaś
nieporozumienie
chciałem chciałam pominąłeś pominęłaś mówię mówiłem mówiłam fałsz sensu pytanie
powinienem powinnam właściwie poprawka korekta sprostowanie szukam chcę
""",
    "intro": r"""(?:(?:oh|o|ach|och|eh+|hm+|no|ale|i|ok|okej|przepraszam|sorry|wybacz|czekaj|poczekaj|hej|cześć|tak
|dzięki
|dziękuję|właściwie|niestety|prawie|dobra|dobrze|słuchaj|ej)[,.!?;: -]{1,4}){0,4}""",
    "explicit": r"""
\b(?:chodziło mi|chodzi mi|mi chodzi|mi chodziło|miałem na myśli|miałam na myśli|mam na myśli)\b(?! czy )

(?:START|\bnie |\bale |\bprzecież )(?:ja )?(?:pytałe?a?m|pytam|prosiłe?a?m|mówiłe?a?m o|mówię o)\b(?! (?:mam|tat
|lekarz))

\bnie o to (?:pyta|prosi|mi chodzi|chodzi)

\b(?:to|odpowiedź|twoja odpowiedź|wynik|kod
|tłumaczenie) (?:jest |wciąż |nadal |jest całkowicie |zupełnie )*(?:nie (?:jest
(?: to)? (?:to|odpowiedź|praw|popraw|ta|ten)|tak\b|to\b|prawda|o co|odpowiada|ma (?:\w+ )?sensu|ten|ta|działa)|źle
|błąd\b
|błędn\w|niepraw\w+|niepopraw\w+|bzdura|fałsz\w*|nieprawda)NOASK

\bnie (?:jest to|to) (?:co|o co|czego|tego)\b

\bnie (?:pytałe?a?m|pytam|prosiłe?a?m|mówiłe?a?m|mówię|powiedziałe?a?m)\b

\b(?:nie|źle) (?:\w+ )?(?:zrozumiałe?a?ś|odpowiedziałe?a?ś|przeczytałe?a?ś|uwzględniłe?a?ś|podałe?a?ś|rozumiesz
|odpowiadasz
|zastosowałe?a?ś)\b

\b(?:zapomniałe?a?ś|pomyliłe?a?ś|mylisz|pomin[ąę]łe?a?ś|zignorowałe?a?ś|popełniłe?a?ś|przeoczyłe?a?ś|wymyśl(?:asz
|iłe?a?ś))\b

\b(?:nieporozumienie|nie na temat|nie ma (?:\w+ )?sensu|nic wspólnego|przeczytaj (?:jeszcze raz|uważnie|moje))

^INTRO(?:to |nadal |wciąż |jest )?(?:źle|błąd\b|błędn\w|niepraw\w+|niepopraw\w+|bzdura|fałsz|zła odpowiedź|zła)
(?:[.,!;: -]|$)NOASK

^INTRO(?:nie[,.!;: -]{1,4})?nie [^.!?]{1,50}?, ?(?:tylko|ale|lecz)\b(?! (?:dziękuję|dzięki))
""",
    "no": r"nie|niee",
    "benign": r"""
dzięk|dziekuj|dziękuj|to (?:wszystko
|jest (?:ok|dobre|wszystko|w porządku|moje)|wystarczy|nie problem|mój|moja)|wszystko|nic\b|nie (?:trzeba
|ma (?:problemu
|potrzeby|za co)|mam|jestem|teraz|dziś|wiem|sądzę|muszę|chcę|potrzebuję|mogę|jem)|jeszcze nie|mam |jestem|chyba
|myślę
|wolę|chcę|w porządku|spoko|super|świetnie|dobrze|ok|wystarczy|na razie|żaden|żadn\w+|tylko|masz rację|kontynuuj|daj
|zostaw|moje?|moja|mój|nigdy|raczej|może|używam|mieszkam
""",
    "denial": r"""
\b(?:powinienem|powinnam) (?:był |była )?(?:\w+ )?(?:napisać|powiedzieć|zapytać|sprecyzować|dodać|zaznaczyć)\b

\bmoje pytanie (?:dotyczyło|było|brzmiało|odnosiło)\b(?! też)

\bnie (?:takie|o to|tak|to) (?:było |brzmiało )(?:moje )?pytanie\b

^INTRO(?:ja )?(?:właściwie|tak naprawdę),? (?:ja )?(?:chciałe?a?m|szukałe?a?m)\b(?! też)

^INTRO(?:nie,? )?(?:chcę|chciałe?a?m|szukam|szukałe?a?m) [^.!?]{2,50}, (?:a )?nie [^.!?]{2,40}[.!]?$

^INTROnie,? (?:powiedz|podaj|pokaż|znajdź)\b

^INTRO(?:poprawka|korekta|sprostowanie) ?[:,.-]

^INTRO(?:nie+[,.!?;: -]*){1,4}$

^INTRO(?:nie) (?:ta|ten|to|te|tamt\w+|ci|w|na|o|od)\b(?! (?:razie|pewno|wszystko))
""",
}
_RUSSIAN = {
    "cues": """
нет не неправ невер ошиб имел спрашива спросил просил забыл пропустил перепутал непонял чушь ерунда бред друго
подразумева
говорил недоразумен путаешь путаете неточн
вопрос надо уточн поправк вообще-то чепух глупост хотел нужен нужна нужно скажи скажите
""",
    "intro": r"""(?:(?:ой|ох|эх|э+|м+|хм+|ну|но|и|а|ок|окей|извини\w*|прости\w*|подожди\w*|стоп|слушай\w*|да|спасибо
|вообще-то|на самом деле|почти|привет|жаль|эй|так)[,.!?;: -]{1,4}){0,4}""",
    "explicit": r"""
\b(?:я )?(?:имел\w?|имею) (?:же |ведь |в общем )?в виду\b

\bя (?:же |ведь |вообще |вообще-то |просто |тебя |вас |конкретно )*(?:спрашива\w+|спросил\w?|просил\w?
|говорил\w? (?:про|о|об)
|говорю (?:про|о|об)|подразумева\w+)\b(?! (?:у мамы|у друга|врача))

\b(?:это|ответ|твой ответ|ваш ответ|результат|перевод|код|всё|все)(?: же| всё ещё| все еще| опять| снова| совсем
| вообще
| полностью| совершенно| было| явно| тоже)* (?:не (?:то\b|так\b|тот|та\b|те\b|правда|верно|правильн|соответств
|отвеча|ответ
|имеет|работает|об этом|мой вопрос)|неправ|неверн|ошиб|чушь|ерунда|бред|неточн)NOASK

\bя не (?:это|об этом|про это|то|о том)\b(?! (?:хотел|думал))

\bне (?:то|об этом|про это|о том|тот|та|про то)(?:,)? (?:что )?я? ?(?:спрашива|спросил|просил|имел|хотел|искал
|говорил)

\b(?:я )(?:об этом |про это |этого |такого |тебя |вас )?не (?:спрашива\w+|спросил\w?|просил\w?|говорил\w?|об этом
|про это|то
|имел\w? в виду)\b

\b(?:ты|вы)(?: \w+){0,3}? (?:не (?:понял\w?|поняли|ответил\w?|так понял\w?|прочитал\w?|учёл|учел|учли|указал\w?
|понимаешь
|отвечаешь|отвечаете|понимаете|выполнил\w?)|забыл\w?|пропустил\w?|перепутал\w?|ошиб\w+|ошибаешься|ошибаетесь
|путаешь|путаете
|проигнорировал\w?|выдумал\w?|выдумываешь|неправ\w*|сделал\w? ошибку|допустил\w? ошибку|повторяешь\w*)\b

\b(?:не отвечает на|недоразумение|не имеет (?:\w+ )?смысла|нет смысла|не по теме|ничего общего|прочитай (?:ещё раз
|внимательн|мой)|неправильно понял)

^INTRO(?:это |опять |снова |всё |полностью |совсем )?(?:не (?:то|так(?! [а-я])|верно|правильно|тот|та|те|правда|совсем
|он|она
|этот|эта)
|неправ\w+|неверн\w+|ошибка|чушь|ерунда|бред|ложь|неточно)(?:[.,!;: -]|$)NOASK

^INTRO(?:нет[,.!;: -]{1,4})?не [^.!?]{1,50}?, ?а\b
""",
    "no": r"нет|не-а|неа",
    "benign": r"""
спасибо|благодар|это (?:всё
|все|не важно|неважно|хорошо|нормально|первый|мой|моя|моё)|всё|все|ничего|пока|не (?:надо|нужно|сейчас|думаю|знаю
|хочу|могу
|обязательно|сегодня|стоит|волнуй|ем)|ещё|еще|достаточно|больше (?:ничего|не)|хватит|у меня|у нас|я (?:не (?:хочу
|знаю|думаю|могу|ем|был|использую
|пробовал|уверен)|думаю|хочу|бы|уже|всё|просто хотел|пойду|живу|буду|предпочитаю)|мне (?:не|больше|хватит|нрав)
|отлично|хорошо
|нормально|ладно|лучше|только|ты прав|вы прав|продолжай|давай|проблем|никак|мой|моя|мы|спасибки|никогда|может
""",
    "denial": r"""
\b(?:надо|нужно|следовало|стоило) было (?:сразу )?(?:уточнить|сказать|спросить|указать|написать)\b

\bмой вопрос (?:был|касался|относился|про|о\b|об\b)(?! тоже)

\bвопрос (?:был )?(?:не об этом|не про это|не в этом|не о том|был о|был про)\b

^INTROя (?:вообще-то |на самом деле )?хотела? (?:же )?(?:узнать|найти|услышать)\b(?! (?:ещё|еще|также))

^INTRO(?:нет,? )?(?:мне (?:нужен|нужна|нужно|нужны)|я хочу|я хотела?|я ищу) [^.!?]{2,50}, а не [^.!?]{2,40}[.!]?$

^INTROнет,? (?:скажи|скажите|дай|дайте|покажи|найди|назови)(?:те)?\b

^INTRO(?:поправка|исправление|уточнение|уточняю) ?[:,.-]

^INTRO(?:чепуха|глупости|глупость)\b

^INTRO(?:(?:нет|не-а|неа)[,.!?;: -]*){1,4}$

^INTRO(?:нет) (?:я (?:имел|спрашив|про|о|хотел)|не то|другой|другая|кто|где|когда|какой|как)\b

^INTRO(?:не) (?:этот|эта|это|тот|та|те|эти|в|на|про|о|об)\b(?! (?:порядке|важно|знаю))
""",
}
SLAVIC = (_POLISH, _RUSSIAN)
