"""Wishes that restate a question in English, as data; :mod:`_corrective` says how they are read."""

__all__ = ["CONTINUES", "SOFT"]

CONTINUES = """
more also too another else next further additional its their them there same tomorrow please thanks
thank help option options my
"""
"""Words by which a user goes on from the answer."""

SOFT = r"""
^.{0,40}\bi(?: \w+ly| only| just)?(?:'m| am| was|m|'d| would)? (?:\w+ly |just |more |only )*(?:interested (?:in|on)
|curious (?:about(?! how (?:that|this|it))|as to|to|who|what|when
|where|which|how|if)|wondering (?:about|who|what|when|where|which)|(?:want|need|wanted|needed|like|trying|wanting
|needing|meaning|hoping|checking|wish\w*) (?:to
 (?:know|find out|find|figure out|hear|learn (?:about|when|who|what|which|where|the))|about)|(?:looking (?:for
|to find)|searching for|thinking of)
(?! (?:an?|some|my) (?!specific|particular|different|certain)| \w+ing)|(?:want|need|wanted|needed) (?:the|info\w*
|a different|names?|only|just|specific\w*|[a-z]+'s))\b

^INTROsorry[,.]? (?:but )?(?:can|could|would|may) (?:you|i) (?:\w+ly )?(?:tell|give|get|find|specify|describe
|have the)\b

^INTRO(?:sorry|oh)[,.]? (?:but )?(?:i(?:'m| am| was|m)? |what (?:is|was|are|were|'s)|who\b|when\b|where\b|the
|which|in )

^INTRO(?:but|actually)[,.]? (?:\w+,? )?(?:at |on |in |for )?(?:who|when|where|which|what(?! if| about| should| can
| do i| happens| would happen)|how
 (?:many|old|much|long|far|often|tall|big)|in (?:what|which)|the)[ ]

^(?!why|so\b|then\b|INTROwhy).{3,100}\b(?:rather than|as opposed to|other than|besides|apart from|not just
|in particular\b|specifically)\b
.{0,60}$

^(?:INTRO)(?:who|what|when|where|which|tell me|the|i)\b.{3,80}\b(?:version|the one (?:who|that|in|with|from|by)
|the (?:actual|real|original|other|first one|latter|former)\b|in real life|a different)

^.{0,60}\bi (?:don't|dont|do not|didn't|did not|am not|wasn't|was not) (?:really |actually )?(?:want|need|care
|interested|wanna
|looking|trying)(?: to know| to hear|ed)? (?:about|in|the|an? \w+ (?:of|for|about)|that|who|what|when|where|which|for
|information|info)\b

^.{0,60}\bi'm not (?:really |actually )?(?:interested|looking|trying)\b

^(?!so\b|then\b)INTRO(?:i|who|what|when|which|where|the|in
|it)\b.{3,80}(?<!\bis)(?<!'s)(?<!\bwas)(?<!\bdo)(?<!does)(?<!did)
(?<!\bare)(?<!were)(?<!could)(?<!would)(?<!should)(?<!\bcan)(?<!will)(?<!have)(?<!\bhas)(?<!\bhad)(?<!\bif)(?<!\bor)
(?<!\bam)(?<!'m)(?<!why)(?<!must)(?<!may)(?<!might) not [\w']+(?: [\w'.]+){0,9}[.?!]?$

^INTROinstead,? (?:can you |could you |please )?(?:tell me|i want|i need|i'd|who|what|when|where|give me the
|show me the|let me know)\b

^(?:(?:that's|thats|that is|it's|this is) (?:\w+ )?(?:great|interesting|good|nice|cool|fine|true|ok|okay|right
|helpful|useful)
|thanks|thank you|okay|ok|yes|yeah|right|good to know|interesting|true|nice|cool|great|sure|i know
|i see)\b[^.!?]{0,40}?[,.]?
 but (?!what about|what if)(?:i|what|who|when|where|which|the|not|can you tell|could you tell|tell me)\b

^INTROi (?:was|am|only am) (?:\w+ly |just |more )?(?:wondering|hoping|curious|trying|asking|talking|looking|thinking
|checking
|aiming|referencing|meaning|concerned)
(?! (?:of|about) \w+ing| if you (?:can|could)| whether you)\b

^INTRO(?:(?:i|who|what|when|where|which|tell me|not|the)\b.{3,80} )?(?:instead of|rather than) (?!using|going
|making)
[^.!?]{3,80}

^(?:INTRO)(?:tell me|who|when|where|which|what(?! about| if)|can you tell|could you tell|i|the|give me|find)\b
.{3,90}\binstead[.?!]*$

^(?!(?:please )?(?:use|make|write|add|keep|put|include|do|leave|only|so|then)\b|INTRO(?:why|is|does|did
|if)\b).{0,90}(?:(?:,|;|\.|-|\bbut|\band) ?not
|(?:the|in|for|of|by|to|about
|\w+ing) [\w' -]{1,40}(?<!were)(?<!was)(?<!is)(?<!are)(?<!does)(?<!did)(?<!do) not) (?:the|a|an|his|her|their|from
|in|on|by|about|when|where|who|what
|how|of|to|for|as|just)\b.{0,60}$
"""
