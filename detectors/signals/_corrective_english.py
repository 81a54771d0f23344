"""Corrective language in English, as data; :mod:`_corrective` says how it is read."""

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
""",
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
| are)? (?:really |actually |just |simply
|definitely |clearly |still |also )?not (?:it\b(?! in)|(?:really |quite |entirely |exactly |even |at all )?(?:right
|correct|true|accurate|answering
|relevant|related|an answer|my question|the (?:right|correct|answer|question|one|same)|helpful|valid|working
|an? (?:real|actual|valid)))

\b(?<!say )(?<!says )(?<!said )(?<!if )(?<!whether )(?<!think )(?:that|this|it|these|those|your (?:answer|response
|reply|result|code|translation|calculation|math|summary)
|the (?:answer|response|result|translation|calculation|code|output))(?: still| also)?(?:'s|s| is| was| are| were
| looks| sounds| seems)? (?:really |actually |just |simply |definitely |clearly |still |completely |totally |all |so
|plain |also |very |factually |partly |partially |quite )*(?:wrong(?! (?:of|with (?:him|her|them|us|me|my|the|people
|society)|to|for|when|if))|incorrect|false|inaccurate|mistaken|nonsense|gibberish|not true|irrelevant|unrelated
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
|u) (?:still |also |again |just
)?(?:did not|didn't|didnt|haven't|have not|don't seem to|do not seem to|never|don't|do not)(?: actually| even
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

\bi was (?:not )?(?:actually |really |just |clearly |specifically |only |rather |more )*(?:asking|looking for
|searching for
|thinking (?:of|about)|after\b|hoping for|interested in|curious|wanting|trying to (?:ask|find|get|figure|know))

\bi(?:'m| am|m) (?:not )?(?:actually |really |just |clearly |specifically |only |rather |more )*asking (?:about|for
|you|if
|whether|what|how|which|when|where|who|specifically|the|because|in)\b(?! for (?:a friend|help))

^INTRO(?:(?:no
|noo)[,.!?;: -]{1,4})?(?:what )?i (?:actually |really |specifically |clearly |explicitly |already |just |only
|also )?(?:asked (?:you|for|about|what|how|which|when|where|why|who|if|whether|the|a|to)|said (?!yes|no\b|hi|hello
|i'd
|goodbye|thank|sorry)|told you|requested|specified|mentioned (?!it to)|intended|wanted (?:the|a|an|to know|to find
|to see|you|something|info|information|it (?:in|to|as)|that|your|\w+ing)(?! to (?:thank|let)))

\bi(?:'m| am) (?:not asking|asking|talking|referring)\b[^.!?]{1,60}?\bnot\b

\b(?:doesn't|doesnt|does not|didn't|didnt|did not|isn't|not|never|without) (?:really |actually |even |fully )?answer
(?:s|ed|ing)? (?:to )?(?:my|the|what i|anything) ?

\b(?:that|this|which|your (?:answer|response|reply)|what you(?:'re| are)? (?:said|say|saying)) (?:doesn't|doesnt
|does not|didn't|didnt|did not|still doesn't|makes|made|make) (?:really |actually |even |any )?(?:(?:make )?(?:any
|no )?sense|work\b|help|match|add up|sound right|look right|seem right|seem correct|answer|count|apply
|have anything)

\b(?:makes|made|making) no sense\b

\b(?:has|have|had|having) (?:nothing|not much|absolutely nothing) to do with (?:what i|my|it|this|the question|that)

\b(?:re-?read|read) (?:my|the|what i) (?:\w+ )?(?:question|message|prompt|instruction|request|text|wrote)s?(?: again
| carefully| properly|[.!,]|$)

\b(?:pay (?:more |better )?attention|answer (?:my|the) (?:actual |original )?question|listen to (?:me|what i))\b

\bwhat (?:the (?:hell|heck|fuck) )?(?:are|r) (?:you|u) (?:talking|on) about\b

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

^INTRO(?!no\b|use\b|make\b|write\b|add\b|keep\b|put\b|include\b|only\b|perfect|great|good|nice)(?:the |a |an |in )?
[\w' -]{2,40}, not (?:the|a|an|in|on|for|from|about|of|as|to|that|this|his|her|their)\b[^.!?]{0,40}[.!?]?$

^INTRO(?:i mean )?(?:can you |could you )?(?:please )?(?:correct|fix) (?:that|it|this|your (?:mistake|error|answer))
[.! ]*$
""",
    "no": r"no|noo|nooo|nope|nah|naw|nono",
    "benign": r"""
thank|thx|ty\b|problem|prob\b|worr|need\b|rush|idea|clue|doubt|wonder|way\b|kidding|matter|offen|biggie|sweat|longer
|more\b|just (?:curious|wondering|asking|thank|checking|this|the)|(?:that|this|it)(?:'s|s| is| was| will be
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
^INTRO(?:not|n't) (?!sure|really|yet|bad|at all|much|too|only|necessarily|a |gonna|going|now|today|so\b|that i
|interested|ready|very|quite|entirely|just|every|all|many|the \w+est|as\b|for me|here|possible
|available|to be)[\w' -]{2,40}
(?:[,;.]| but| -) ?(?:but )?(?:the|i|i'm|who|what|in|rather|like|where|when|which)\b

^(?:.{0,60}[ ,.;])?i (?:\w+ )?mean(?! (?:to|it|you know|really|seriously|thank|no offen|come on|if|by that)|,)

^INTRO(?:(?:no+|nope|nah|naw)[,.!?;: -]*){1,4}$

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
    "continues": """
more also too another else next further additional its their them there same tomorrow please thanks
thank help option options my
""",
    "soft": r"""
^.{0,40}\bi(?:'m| am|m|'d| would)? (?:\w+ly |just |more )?(?:interested in|curious (?:about|as to|to|who|what|when
|where|which|how|if)|wondering about|(?:want|need|wanted|needed|like|trying) to (?:know|find out|find)|looking for
|searching for|thinking of
|(?:want|need|wanted|needed) (?:the|info\w*|a different|names?|only|just|specific\w*|[a-z]+'s))\b

^INTRO(?:sorry|oh)[,.]? (?:but )?(?:i(?:'m| am| was|m)? |what (?:is|was|are|were|'s)|who\b|when\b|where\b|the
|which|in )

^INTRO(?:but|actually)[,.]? (?:\w+,? )?(?:who|when|where|which|what(?:'s| is| was| are| were| year| day| month
| kind| type| country| city| state)|in (?:what|which)|the)[ ]

^.{3,100}\b(?:rather than|as opposed to|other than|besides|apart from|not just|in particular\b|specifically)\b
.{0,60}$

^(?:INTRO)(?:who|what|when|where|which|tell me|the|i)\b.{3,80}\b(?:version|the one (?:who|that|in|with|from|by)
|the (?:actual|real|original|other|first one|latter|former)\b|in real life|a different)

^.{0,60}\bi (?:don't|dont|do not|didn't|did not|am not|wasn't|was not) (?:really |actually )?(?:want|need|care
|interested|wanna
|looking|trying)(?: to know| to hear|ed)? (?:about|in|the|that|who|what|when|where|which|for|information|info)\b

^.{0,60}\bi'm not (?:really |actually )?(?:interested|looking|trying)\b

^INTRO(?:i|who|what|when|which|where|the|in|it)\b.{3,80}(?<!\bis)(?<!'s)(?<!\bwas)(?<!\bdo)(?<!does)(?<!did)
(?<!\bare)(?<!were)(?<!could)(?<!would)(?<!should)(?<!\bcan)(?<!will)(?<!have)(?<!\bhas)(?<!\bhad)(?<!\bif)(?<!\bor)
(?<!\bam)(?<!'m)(?<!why)(?<!must)(?<!may)(?<!might) not [\w']+(?: [\w'.]+){0,9}[.?!]?$

^INTROinstead,? (?:can you |could you |please )?(?:tell me|i want|i need|i'd|who|what|when|where|give me the
|show me the|let me know)\b

^(?!.{0,80}\b(?:use|make|write|can i|could i|should i|about|add|do|put|buy|take|go|cook|eat|try|of)\b)
[\w',-]+ [\w',-]+ .{2,80}\binstead[.?!]*$

^(?:(?:that's|thats|that is|it's|this is) (?:\w+ )?(?:great|interesting|good|nice|cool|fine|true|ok|okay|right
|helpful|useful)
|thanks|thank you|okay|ok|yes|yeah|right|good to know|interesting|true|nice|cool|great|sure|i know
|i see)\b[^.!?]{0,40}?[,.]?
 but (?!what about|what if)(?:i|what|who|when|where|which|the|not|can you tell|could you tell|tell me)\b

^INTROi was (?:\w+ly |just |more )?(?:wondering|hoping|curious|trying|asking|talking|looking|thinking)
(?! if you (?:can|could)| whether you)\b

^INTRO(?:(?:i|who|what|when|where|which|tell me|not|the)\b.{3,80} )?(?:instead of|rather than) (?!using|going
|making)
[^.!?]{3,80}

^(?:INTRO)(?:tell me|who|when|where|which|what(?! about| if)|can you tell|could you tell|i|the|give me|find)\b
.{3,90}\binstead[.?!]*$

^(?!(?:please )?(?:use|make|write|add|keep|put|include|do|leave|only)\b|INTRO(?:why|is|does|did
|if)\b).{0,90}(?:(?:,|;|\.|-|\bbut|\band) ?not
|(?:the|in|for|of|by|to|about
|\w+ing) [\w' -]{1,40}(?<!were)(?<!was)(?<!is)(?<!are)(?<!does)(?<!did)(?<!do) not) (?:the|a|an|his|her|their|from
|in|on|by|about|when|where|who|what
|how|of|to|for|as|just)\b.{0,60}$
""",
}
