"""Corrective language in English, as data; :mod:`_corrective` says how it is read."""

from detectors.signals._corrective_english_wishes import CONTINUES, SOFT

__all__ = ["ENGLISH"]

ENGLISH = {
    "cues": """
no nope nah naw noo nooo not wrong incorrect incorrectly false inaccurate meant mean asked asking ask referring
refering
talking misunderstood misunderstand misunderstanding misread misinterpreted forgot forgotten missed ignored skipped
omitted mistake mistaken error didn't didnt doesn't doesnt isn't isnt wasn't wasnt wanted said told answered
nonsense
irrelevant unrelated huh carefully looking interested curious wondering thinking searching inquiring after rather
apart besides real but know info information want need sorry confused confusing sense dont don't aren't arent
instead never you're listen
intended actual hallucinating hallucinated gibberish unhelpful useless specifically read thinking speaking haven't
though should should've ought clarify clarification correction rephrase reword restate reask specific clearer precise
specify prefer data answer question re-ask query request prompt hoping checking trying wanting about referencing
aiming meaning concerned rather
""",
    "leads": "make change what? what?? well well,",
    "intro": r"""(?:(?:oh|ah|aw+|u+m+|u+h+|h+m+|er+m?|well|ok|okay|sorry|i'm sorry|im sorry|i am sorry|my apologies
|apologies|wait|hey|hold on|hang on|but|so|and|yes|yeah|yea|right|please|my bad|excuse me|pardon|oops|whoops
|actually
|thanks|thank you|thx|lol|haha|man|dude|bro|omg|ugh|argh|nice try|good try|close|almost|interesting|great|cool|sure
|alright|i see|i know|i think|i believe|i guess|sadly|unfortunately|in fact|look|listen|honestly|come on|seriously
|bot
|hi|hello|assistant|chatgpt)[,.!?;: -]{1,4}){0,4}""",
    "explicit": r"""
\bi (?:actually |really |only |just |clearly |specifically |obviously |rather |probably )?meant\b(?! to (?:ask|tell
|mention|thank|add|say thank))

\bwhat i (?:actually |really )?(?:meant|wanted|asked|asked for|was asking|intended)(?: to (?:ask|know|say))?
(?: was| is|,|:)(?! great)

\b(?:i|that|it)(?:'s| is|'m| am)? not what (?:i|we)\b

\bnot (?:really |quite |exactly |at all |even |even close to )?(?:what|the (?:\w+ ){0,3}?(?:that |which |who )?|who
|where|when|how|why)(?: ?(?:i|we)(?:'m| am| was|'d| had)?) (?:actually |really )?(?:ask|mean|meant|want|said|say
|refer
|request|need|talk|look|had in mind|in mind|intend|after\b|search|inquir|speak|interested)

\b(?<!say )(?<!says )(?<!said )(?<!if )(?<!whether )(?<!why )(?:that|this|it|these|those)(?:'s|s| is| was
| are)? (?:really |actually |just |simply |definitely |clearly |still |also )?not (?:it\b(?! in)
|(?:really |quite |entirely |exactly |even |at all )?(?:right
|correct|true|accurate|answering
|relevant|related|an answer|my question|the (?:right|correct|answer|question|one|same)|helpful|valid|working
|an? (?:real|actual|valid)))

\b(?<!say )(?<!says )(?<!said )(?<!if )(?<!whether )(?<!think )(?<!\bis )(?<!\bare )(?<!\bwas )(?:that|this|it|these
|those|your (?:answer|response
|reply|result|code|translation|calculation|math|summary)
|the (?:answer|response|result|translation|calculation|code|output))(?: still| also)?(?:'s|s| is| was| are| were
| looks| sounds| seems)?(?: really| actually| just| simply| definitely| clearly| still| completely
| totally| all| so| plain| also| very| factually| partly| partially| quite)* (?:wrong(?! (?:of|with (?:him|her|them|us
|me|my|the
|people
|society)|to|for|when|if|on (?:so )?many))|incorrect|false|inaccurate|mistaken|nonsense|gibberish|not true|irrelevant
|unrelated
|outdated information|made up|a hallucination|hallucinated)\b

\b(?<!say )(?<!says )(?<!said )(?<!if )(?<!whether )(?<!why )(?:that|this|it|these|those)(?: still)? (?:isn't|isnt
|wasn't|wasnt|aren't|arent|ain't|is not|was not|are not) (?:it\b
|(?:really |quite |exactly |entirely |even |actually |at all )?(?:right|correct|true|accurate|what (?:i|we)|who i
|where i
|the (?:\w+ ){0,2}?(?:i|one|right|correct|answer|same)|relevant|answering|an answer|my question|helpful|valid
|how i\b))

^INTRO(?:still |totally |completely |absolutely |just |that's |thats |all |also |again,? )?(?:wrong|incorrect|false
|inaccurate|nonsense|irrelevant|not (?:quite|right|correct|true|accurate|that one|this one|that(?! i)|this|helpful
|it|even
 close)|bad answer|unhelpful|useless|gibberish)(?: again| answer| one| person| thing| place| guy| language| country
| city
| question| topic| film| movie| book| song| way| format| file| order| number)?(?:[.,!;:-]|$
| i | you | the | it | that
| what | who | where | when | which )

(?:START|\b(?:but|and|no|think|believe|because|again|that|like|also|well|so|sorry|seems|looks like|guess|still
|it appears) )(?:you|u|ya)(?:'ve| have|'re| are| were| had)?(?: still| just| totally| completely| also| again
| clearly
| obviously| simply| once again| probably| maybe| even| already)*(?: misunderst\w+| misread\w*| misinterpret\w*
| forgot\b| forgotten| missed (?!out on)| ignored| skipped| omitted| left out| overlooked| mixed up| confus\w+
| got (?:it|that|this|me|the \w+|my \w+|(?:\w+ ){1,3}?)(?: ?all)? ?(?:wrong|mixed up|backwards|confused)
| (?:made|make|making) (?:a|an|some|several|two|the same) (?:\w+ )?(?:mistake|error)| wrong\b| mistaken| incorrect
| not (?:listening|answering|reading|understanding|getting|following|addressing|paying|helping|making)
| hallucinating| hallucinated| made (?:it|that|this) up| making (?:it|that|things|stuff) up| contradict\w*
| repeat(?:ed|ing)? (?:yourself|the same)| keep (?:\w+ing|giving)| gave me (?:the|a) (?:wrong|same)
| changed the (?:wrong|meaning)| answered (?:the wrong|a different|something else)| replied to)

(?:START|\b(?:but|and|no|think|because|again|that|also|well|so|sorry|still|why) )(?:you
|u) (?:still |also |again |just )?
(?:did not|didn't|didnt|haven't|have not|don't seem to|do not seem to|never|don't|do not)(?: actually| even
| really
| fully| quite| completely| properly| correctly)* (?:answer|address|understand|get (?:it|my|what|the)|got (?:it|my
|what)
|follow|includ|mention(?:ed)? (?:the|any|my|that|which|how|what|when|where|who|a)|us(?:e|ed) the|read\b|listen
|do what
|what i|gi?ve(?:n)? me|provide|finish|complete|respon|explain|tell me|translat|cover|consider|chang|fix|correct
|list|do (?:it|that|this) (?:right|correctly|properly)|make (?:any )?sense|know what you|solve|count)

(?:START|\b(?:but|and|no|sorry|well|so|because) )i(?: did not|'m not| am not| was not| never| didn't| didnt| wasn't
| wasnt| don't| dont| do not|m not|'m not)(?: really| actually| even| specifically| just)? (?:ask(?:ed|ing)?\b
(?! (?:him|her|them|my|anyone|because|often|for much))|mean(?:t|ing)?\b(?! to (?:be|bother|offend|sound|interrupt
|hurt))
|sa(?:y|id)\b|referr?(?:ed|ing)?|talk(?:ing|ed)? about|inquir|speak(?:ing)? (?:of|about)|request(?:ed|ing)?|tell you
|told you|thinking (?:of|about)|looking for|after\b)

\bi(?:'m| am| was|m) (?:not )?(?:actually |really |just |clearly |specifically |only |rather |more )*(?:referr?ing
|talking about|speaking (?:of|about)|inquiring)(?! to (?:him|her|them))

\bi was (?:not )?(?:actually |really |just |clearly |specifically |only |rather |more )*(?:asking|looking (?:for
|to find)|interested on|referencing
|aiming (?:to|for)|concerned (?:about|with)|searching for|thinking (?:of|about) (?!\w+ing)|after\b|hoping for
|interested in|curious|wanting|trying to (?:ask|find|get|figure|know))

\bi(?:'m| am|m) (?:not )?(?:actually |really |just |clearly |specifically |only |rather |more )*asking (?:about|for
|you|if
|whether|what|how|which|when|where|who|specifically|the|because|in)\b(?! for (?:a friend|help))

^INTRO(?:(?:no
|noo)[,.!?;: -]{1,4})?
(?:what )?i (?:actually |really |specifically |clearly |explicitly |already |just |only |also )?(?:asked (?:you|for
|about|what|how|which|when|where|why|who|if|whether|the|a|to)|said (?!yes|no\b
|hi|hello
|i'd
|goodbye|thank|sorry)|told you|requested|specified|mentioned (?!it to)|intended|(?<!also )wanted (?:the|a|an|to know
|to find|to learn|to hear
|to see|you|something|info|information|it (?:in|to|as)|that|your|\w+ing)(?! to (?:thank|let)))

\bi(?:'m| am) (?:not asking|asking|talking|referring)\b[^.!?]{1,60}?\bnot\b

\b(?:doesn't|doesnt|does not|didn't|didnt|did not|isn't|not|never|without) (?:really |actually |even |fully )?answer
(?:s|ed|ing)? (?:to )?(?:my|the|what i|anything) ?

\b(?:that|this|which|your (?:answer|response|reply)|what you(?:'re| are)? (?:said|say|saying)) (?:doesn't|doesnt
|does not|didn't|didnt|did not|still doesn't|makes|made
|make) (?:really |actually |even |any )?(?:(?:make )?(?:any |no )?
sense|work\b|help|match|add up|sound right|look right|seem right|seem correct|answer|count|apply
|have anything)

\b(?:makes|made|making) no sense\b

\b(?:has|have|had|having) (?:nothing|not much|absolutely nothing) to do with (?:what i|my|it|this|the question|that)

\b(?:re-?read|read) (?:my|the|what i) (?:\w+ )?(?:question|message|prompt|instruction|request|text|wrote)s?(?: again
| carefully| properly|[.!,]|$)

\b(?:pay (?:more |better )?attention|answer (?:my|the) (?:actual |original )?question|listen to (?:me|what i))\b

\bwhat (?:the (?:hell|heck|fuck) )?(?:are|r) (?:you|u) (?:talking|on) about\b

\b(?:no (?:idea|clue)|do not know|don't know|don't understand|not sure) what (?:you(?:'re| are)?|u r
|u) (?:even )?(?:talking
|saying|on about|trying to say|mean)

\bwhat does (?:that|this) have to do with

^(?:huh|wtf|what the)\b ?[?!.]*(?:$| )

\b(?:wrong|not the right|incorrect) (?:answer|one|person|song|film|movie|book|band|country|city|language|question
|meaning|sense|word|format|file|version|unit|year|date|name|team|topic)[.,!;]

\bi (?:think )?(?:you|there) (?:may have|might have|must have|have) (?:misunderst|misread|confus|mixed
|been a misunder
|made a mis)

\bthere (?:is|was|must be|has been|seems to be|'s)(?: still)? (?:a |some |an )?(?:misunderstanding|mistake in your
|error in your)

\bthe question (?:is|was)(?:n't| not)? (?:about|not|how|what|who|where|when|which|whether|if)

^INTRO(?:i mean )?(?:can you |could you )?(?:please )?(?:correct|fix) (?:that|it|this|your (?:mistake|error|answer))
[.! ]*$
""",
    "no": r"no|noo|nooo|nope|nah|naw|nono",
    "benign": r"""
thank|thx|ty\b|problem|prob\b|worr|need\b|rush|idea|clue|doubt|wonder|way\b|kidding|matter|offen|biggie|sweat|longer
|more\b|just (?:curious|wondering|asking|thank|checking|wanted|want|this|the)|(?:that|this|it)(?:'s|s| is| was| will be
| would be
| looks| sounds| seems| should| helps| works| does)? ?(?:all\b(?! wrong)|for now|fine|it\b|ok|okay|good|great|enough
|perfect|everything|alright|cool|helpful|right\b|correct|exactly|clear|wonderful|excellent|do\b|work|help|nice
|useful
|very|really (?:good|helpful|great)|a (?:good|great)|my|because|still)|i(?:'m| am|m) (?:good|fine|ok|okay|done|all
|set
|happy|satisfied|not sure|just|sure|new|from|allergic|a |using|on |in |at )|i (?:think|don't|dont|do not|haven't
|have|can't|cannot|won't|didn't|never|just want|got|get|understand|like|love|appreciate|will|would|prefer|need|use
|live
|only have)|i've|i'll|i'd|all |nothing|none|not (?:yet|really|at all|now|today|right now|for|necessarily|that i
|anymore|a problem|needed|required)|never ?mind|you(?:'re|'ve| are| have)? (?:right|great|been|good|awesome|welcome
|perfect|the best|did|help|explain|answer|can|gave)|we|looks|sounds|perfect|great|good|fine|ok|okay|cool|awesome
|excellent|let's|lets|let me|please (?:continue|go|proceed|do|keep)|go |continue|keep|thank|everything|maybe|later
|another time|my|seriously|really|and\b|one|it doesn't matter|it does not matter|leave|skip|forget it|bye|see you
|have a
""",
    "denial": r"""
^(?!so\b|then\b|and\b)INTRO(?!no\b|use\b|make\b|write\b|add\b|keep\b|put\b|include\b|only\b|perfect|great|good
|nice)(?:the |a |an |in )?
[\w' -]{2,40}, not (?:the|a|an|in|on|for|from|about|of|as|to|that|this|his|her|their)\b[^.!?]{0,40}[.!]?$

(?:\bi (?:guess i |think i |probably |really )?|^INTRO)(?:should|ought to)(?:'ve| have| of
|a)? (?:\w+ly )?(?:asked(?! (?:for (?:a|more|help)|him
|her|them|my))|specif\w+|clarif\w+|(?:been|be) (?:\w+ )?(?:\w+ )?(?:specific|clear|clearer|precise)|worded|phrased
|stated
|made (?:it|that|myself) (?:\w+ )?clear\w*|mentioned (?!(?:that )?(?:i|we|my|our)\b)
|said (?!(?:that )?(?:i|we|no|yes|hi|hello|goodbye|sorry|something|my|our)\b))

START(?:let me|i'll|i will|i want to|i need to|allow me to|to) (?:be (?:\w+ )?(?:\w+ )?(?:specific|clear|clearer
|precise)|clarify
|rephrase|re-?ask|re-?word|restate|specify|ask (?:that|it|this|you)? ?(?:again|differently|another way
|a different way))\b

\bthe (?:information|info|data|answer|details?|statistics?|figures?) (?:that |which )?(?:(?:is |was )?(?:required
|needed|wanted)
|matters|(?:i|i'm|i am|i was) (?:\w+ )?(?:\w+ )?(?:need|want|care|look|require|mean|asked|after|interest|search
|request|seek))

^INTROwhat i(?:'m| am| was|'d)? (?:\w+ly |really |most )?(?:want|wish|need|look|tr(?:y|ied)|seek|wonder
|hop)\w*(?: \w+){0,4}?
 (?:is|was|about)\b

\bis what i(?:'m| am| was)? (?:\w+ly )?(?:want|need|meant|ask|look|seek|search)

\bthat i (?:wanted|meant|was asking|intended|was trying) (?:to (?:ask|know|hear|learn|find)|about)

^INTROcorrection ?[,:;.-]

^INTRO(?:my|that was my) (?:mistake|bad|fault|error)\b[,.;:-]+ ?(?:i meant|at|in|what|who|when|where|which|how|tell)\b

^INTRO(?:please )?(?:(?:make|change) that (?:to )?(?:who|what|when|where|which|how|the|as of|for|in)\b|(?:make
|change) it
 (?:to )?(?:who|what|when|where|which)\b)

^(?:(?:oh|ok|okay|yes|yeah|right|sorry|fine)[,. ]+)*but (?:(?:what|how) about
|i (?:still |really |actually |only )?(?:need|want)(?:ed)?)\b

^(?:(?:oh|ok|okay|yes|yeah|right|fine|sure|well|sorry|alright)[,. ]+)*but,? (?:at |on |in |for )?(?:who|when|where
|which|what(?! if
| about| should| can| do i| happens| would happen)|how (?:many|old|much|long|far|often))\b(?! (?:do|can|should|could) i)

^INTRO(?:what|how) about (?:in |for )?(?:the |a )?(?:\w+ ){0,3}(?:version|original|remake|reboot|revival|other one)\b

^INTRO(?:(?:can|could|would) you )?instead[, ]+(?:tell|give|find|show|can|could|let|of [^.!?]{2,40}, ?(?:find|tell
|give|show|i))\b

\bi (?:want|need|would like)(?:ed)? instead\b

\bi (?:want|need|wanted|needed|would like|'d like|am trying) to (?:know|find out|learn|hear)\b.{2,80}\b(?:rather than
|instead of
|more than|versus)\b

^INTRO(?:isn't|wasn't|aren't|weren't) there (?:another|an? (?:other|earlier|later|newer|older|different|second))\b

^(?:well|well then),? (?:who|when|where|which|what (?!else|if|about|should|can|do))\b

^INTRO(?:can|could|would) you be (?:\w+ )?more (?:specific|precise)\b

^INTRO(?:in |on |at |for |to |from )?(?:who|whose|what|when|where|which|how (?!(?:do|can|should|could|would) i)
|(?:can |could |do )?(?:you
 )?(?:tell|give|know)|find|did|was|were)\b.{2,100}\bthough(?:,? please)?[?.! ]*$

^INTRO(?:how about |what about )?(?:instead,? )?(?:(?:can|could|would|will|may) (?:you
|i) (?:please |instead |just )?)?(?:tell
|give|find|get|show|let me know|look up|check|know|see|have|do you have) (?:me |us |out )?(?:please )?(?:the|for|in
|as of|about
|who|what|when|where|which|how|his|her|its|their|this|that)\b.{0,100}\binstead\b(?! of (?:using|going|making))

^INTRO(?:i'?d?|i would) (?:rather|prefer to|like to) (?:know|hear|find out)\b.{0,80}\b(?:instead|rather)\b

^INTRO(?:i'd|i would) (?:rather|prefer to) (?:know|hear|find out)\b

^INTROi(?:'m| am|m|'d be)? (?:\w+ly )?(?:more|most) (?:interested|curious)\b

\b(?:that|this|the|your|same) (?:answer|info|information|data|stats?) (?:for|to|as of|in|about|based on
|if)\b(?! (?:question|number
|exercise|part|problem|task|\d{1,2}\b|my|this|the (?:first|second|third|next|last)))

^INTROi mean,? (?:to (?:ask|say)|who|what|when|where|which|how|the|in|for|from|on)\b

^INTROare you sure (?:it|that|this|they|he|she)(?: is| was| were| are|'s)?(?:n't|nt| not)\b

^INTRO(?:no+|nope|nah)[,.!;: -]* ?(?:find|get|give|show|look up|search|tell|bring up|list
|i (?:still |only |actually |just )?(?:want|wanted
|wanna|need|needed)|i'd like|i would like|can you|could you|send me|for)\b(?! (?:fine|good|great|all|ok|continue|go on))

^INTROnot (?:just |only |merely )?[^.!?,]{1,40}(?:,|;| ?--?|\.) ?(?:who|what|which|when|where)\b

^INTROnot (?:just|only|merely) [^.!?,]{1,40}(?:,|;| ?--?|\.) ?(?:the|in|on|at|for|but)\b

\bmy (?:question|query|request|prompt) (?:was|is not|isn't|is about|concern\w*|refer\w*|had to do)\b

^INTRO(?:can|could|would) (?:you|i) (?:\w+ )?(?:tell|give|get|find|specify|be more specific|narrow)
(?=.{0,100}\b(?:actually|specifically|exactly|exact|precise|not|rather|just (?:for|the)|only)\b)(?!.{0,80}\b(?:more
|also|another|too)\b)

^(?!.{0,120}\bplease\b)INTRO(?:not|n't) (?!sure|really|yet|bad|at all|much|too|only|necessarily|a |gonna|going|now
|today|so\b|easy|perfect|ideal|great|cheap|that i
|interested|ready|very|quite|entirely|just|every|all|many|the \w+est|as\b|for me|here|possible
|available|to be)[\w' -]{2,40}
(?:[,;.]| but| -) ?(?:but )?(?:the|i|i'm|who|what|in|rather|like|where|when|which)\b

^(?:.{0,60}[ ,.;])?i (?:\w+ )?mean(?! (?:to|it|you know|really|seriously|thank|no offen|come on|if|by that)|,)

^INTRO(?:(?:no+|nope|nah|naw)[,.!?;: -]*){1,4}$

^INTROwhat(?: (?:do|did) you mean| are you meaning)?[?!. ]*$

^INTRO(?:(?:no+|nope|nah)[,.!;: -]{1,4})+(?:the|what|what's|whats|who|who's|where|when|how|why|which|is|are|was
|were|does
|did|it's (?:about|called|from|by|in|the|a|not)|it is|its|that's not|thats not|that is not|this is not|not (?:the
|that
|this|in|him|her|it|what)|as in|like|i(?: actually| really| just)? (?:mean|meant|want to know|wanted|asked|said|was
|am|need to know)|im|i'm (?:asking|talking|refer|looking|not)|you(?:'re)? (?:wrong|misunder|forgot|missed|got)
|tell me
|give me|show me|but|actually|wrong|stop)\b(?! (?:fine|good|great|all|ok))

^INTRO(?:not|nor) (?:the|a|an|that(?! i)|this|those|these|him|her|them|about|as|from|by|my|his|their
|in)\b(?! (?:moment|all\b
|problem|big|bad|bit|lot|chance|fan|least|same time|only|rush|point|mood|end|long|way\b|hurry))

^INTRO(?:but )?(?:that's|thats|this is|it's|that is|it is) (?:a |an |the )(?:different|other|another|wrong|same)\b
""",
    "continues": CONTINUES,
    "soft": SOFT,
}
