"""English."""

from detectors.signals._refusal_rules.rules import LanguageRules

__all__ = ["RULES"]

_HELPS = r"""(?:help|assist|aid|support|provide|comply|fulfil|give|offer|create|writ(?:e|ing)|generate|engage
|participate
|discuss|share|tell you|encourage|condone|promote|endorse|facilitate|satisfy|respond|continue|complete
|produce|describe|explain|teach|instruct|answer|advise|advice|suggest|recommend (?:any|ways|methods
|that you)|do (?:that|this|it|so)\b|accommodate|entertain|carry out|perform|proceed|reveal|disclose|supply
|guide|show you|be (?:a )?part|contribute|make (?:jokes?|such|any|that|this|statements?|assumptions)
|say (?:that|this)|use (?:that|such|offensive)|translate|fabricate|spread|process|grant|honou?r|agree to
|go along|walk you|impersonate|role-?play|pretend|joke|speculate|draft|compose|build|design|develop)"""

_CANNOT = r"""(?:cannot|can not|can't|will not|won't|(?:am|'m|are|'re)(?: \w+)? (?:unable|unwilling)|(?:am not
|'m not|'re not
|we are not)(?: \w+)? (?:able|allowed|permitted|willing|authori[sz]ed|programmed|designed|comfortable|going
|in a position|capable)|(?:must|have to|need to) refrain from)"""

_KNOWS = r"""(?:know|see|hear|feel|find|access|have|remember|recall|tell (?:if|whether|what|which|how|when|who|you (?:if
|whether|what|exactly))|predict|browse|be (?:sure|certain|100|completely)|determine|verify|confirm|locate|identify
|understand|open|view|look up|say for|speak for|guarantee|diagnose|recogni[sz]e|retrieve|read (?:the|your|that|this)
|check|monitor|track|watch|listen|connect|search|make out|experience)\b"""
_WRONG = r"(?:illegal|unethical|immoral|unlawful|morally wrong|against the law)"

_GRAVE = r"""(?:illegal|unethical|immoral|unlawful|unacceptable|inappropriate|harmful|cruel|abusive|irresponsible
|hurtful
|disrespectful|discriminatory|reprehensible|(?:a|an) (?:\w+ ){0,2}(?:crime|felony|violation|invasion of privacy|act of
|form of (?:abuse|discrimination|harassment|hate))|(?:a )?(?:\w+ )?criminal offen[cs]e|(?:morally |ethically |deeply
|simply )?wrong\b|(?:extremely|very|highly|incredibly) dangerous|dangerous and|against the law
|not (?:only )?(?:\w+ly )?(?:acceptable|okay|ok|appropriate|ethical|right|legal|moral|justified|permissible|illegal
|unethical|wrong|immoral|harmful))"""

_NORM = r"""(?:discriminat|equal(?:ity|ly)?\b|dignity|respect|human rights?|rights (?:and|of|to|as)|the right to
|fundamental right|regardless of|inclusi(?:ve|on)|compassion|empathy|prejudice|stereotyp|everyone (?:has|should
|deserves)
|all (?:individuals|people|human beings)|human being)"""

_URGES = r"""(?:it(?:'s| is) (?:\w+ )?(?:important|crucial|essential|vital|necessary|imperative|critical)\b|(?:i|we)
 (?:must
|have to|need to|want to|would like to|should|feel compelled to) (?:\w+ )?(?:point out|emphasi[sz]e|stress|note
|clarify
|inform|remind|warn|caution|highlight|express)|(?:i|we)(?:'d| would)? (?:\w+ )?(?:urge|encourage|advise|discourage
|caution))"""

RULES = LanguageRules(
    fragments={
        "HELPS": _HELPS,
        "CANNOT": _CANNOT,
        "KNOWS": _KNOWS,
        "WRONG": _WRONG,
        "GRAVE": _GRAVE,
        "NORM": _NORM,
        "URGES": _URGES,
    },
    inability=r"""
\b(?:i|we)(?: \w+){0,2}? ?CANNOT(?: (?:in good conscience|\w+ly|to|of|with|in|be|able))*,? (?!help
 (?:but|feeling|thinking|noticing|smiling|it\b)|(?:give|recommend) (?:\w+ ){0,3}(?:enough|highly)|share enough)HELPS

\b(?:sorry|apologi[sz]e|apologies|afraid|regret|unfortunately)\b[^.!?]{0,80}?\b(?:i|we)(?:'m| am| are)?
(?: \w+)? ?(?:can't|cannot|can not|won't|will not|unable|not able|not allowed)\b(?!(?: to)?(?: \w+ly)? KNOWS)

\b(?:i|we) (?:can't|cannot|can not|won't|will not) (?:\w+ )?(?:with )?(?:your|that|this) (?:request|question|prompt
|topic)

\b(?:this|that|your) (?:request|question|prompt|content)(?: \w+){0,3} (?:cannot|can not|can't|will not|won't) be
 (?:\w+ )?(?:fulfilled|answered|processed|completed|satisfied)

\bnot something (?:that )?(?:i|we)(?: can|'m| am|'re| are| will)(?: able to| willing to| comfortable)? ?(?:\w+ )?(?:help
|assist|do|provid|support|discuss|generat|writ|creat|with)

\b(?:i'm|i am) just an ai\b

^(?:i'm |i am |we're )?(?:sorry|apologies),? (?:but )?(?:no\b|not (?:possible|allowed|something i)|that(?:'s| is) not
something i)
""",
    unwilling=r"""
\b(?:i|we)(?:'m afraid i| am afraid i)?(?: \w+)? (?:must|have to|need to|will have to|am going to have to|'ll have to)
(?: \w+ly)? (?:decline|refuse|say no)

\b(?:i|we)(?:'ll| will| would|'d)? (?:\w+ly |rather )?(?:refuse|decline|have to pass|prefer not) to\b

\bno, (?:i|we) (?:can't|cannot|can not|won't|will not|refuse)

\b(?:i do not|i don't|we do not|we don't) (?:\w+ly )?(?:provide|support|condone|endorse|promote|encourage|assist
|engage in|participate|generate|create (?:content|such|that)|feel (?:comfortable|right|at ease)|comply|facilitate
|think (?:it is|it's|it would be|that would be) (?:appropriate|right|ethical|a good idea to)|make jokes|tell jokes about
|share (?:such|that|this)|discuss|have the (?:ability|capability) to (?:help|assist|comply|engage|support|promote))
""",
    policy=r"""
\b(?:against my|against openai|contrary to my|outside my|outside of my|beyond my|within my
|in line with my
|align with my|inconsistent with my|violates my|violate my|violates openai
|conflicts with my|prohibited by my)(?:'?s\b)?(?: \w+){0,2} ?(?:programming|guidelines
|policy
|policies|principles|values|purpose|ethic\w*|scope|terms|training|rules|capabilities to (?:provide|assist))

\b(?:violat\w+|against|contrary to|inconsistent with|prohibited by|not allowed (?:by|under)) (?:of )?(?:our|the)
(?: \w+)? ?(?:content polic|usage polic|safety polic|safety guidelines|safety rules|ethical guidelines|ethical standards
|ethical principles|community guidelines|guidelines (?:i|that) )

\b(?:my guidelines|my policies|my programming|my principles|my training|our guidelines|our content policy
|our safety rules)
(?: \w+){0,2} (?:do not|don't|does not|doesn't|prohibits?|prevents?|forbids?)
""",
    moral=r"""
\b(?:inappropriate|unethical|not legal|not right|not possible for me|never right
|not ok) (?:or \w+ )?(?:for me )?to (?:provide|assist|help|give
|encourage|promote|discuss|make|write|create|generate|share|engage|ask|suggest|use|answer)

\b(?:not|never) (?:\w+ ){0,2}(?:appropriate|acceptable|okay|ethical) (?:or \w+ )?to\b

\bi (?:\w+ )?(?:strongly advise|strongly urge|strongly discourage)\b[^.!?]{0,30}?\b(?:against|not to|from)\b

^as an ai\b.{0,200}\b(?:regardless of|discriminat|stereotyp|equality|inclusiv|equal rights)

^(?:it is|it's|as an ai)\b[^!?]{0,160}\b(?:treated|deserve\w*|treat (?:everyone|others|all|each
|people))\b[^.!?]{0,60}?\b(?:respect|dignity|equal|kindness)

\b(?:is|are|be) (?:never|not) (?:ever )?(?:justified|justifiable|tolerated|condoned|a laughing matter)\b

\bnever (?:okay|ok|acceptable|appropriate)\b

^[^.!?]{0,120}\b(?:was|were|is|are) (?:not|never) (?:\w+ ){0,3}(?:good things?|justified|justifiable)\b

\bno (?:\w+ ){0,2}(?:justification|excuse) for\b

WRONG and (?:\w+ )?(?:WRONG|harmful)\b(?! in (?:many|most|some))|\bharmful and (?:\w+ )?WRONG\b

^(?:i'm |i am )?(?:\w+ )?sorry,?(?: but)? [^.!?]{3,200}?\b(?:is|are|would be|can be|constitutes)\b[^.!?]{0,40}?\bGRAVE

^(?:i understand|i can understand|i do understand|i realize|i recognize|i appreciate|i hear|i see that|i
 know)\b[^.!?]{0,160}?(?:,|\.|;) ?(?:but|however),? [^!?]{0,40}?
URGES[^!?]{0,160}?\b(?:NORM|ethic\w*|accura\w*|responsib\w*|misinformation|harm\w*|GRAVE)

^(?:there is|there are|there was) (?:\w+ly )?no (?:\w+ ){0,2}(?:reason why|reason to|reason that|reason for|basis
 for|basis to|grounds for|grounds to)\b[^.!?]{0,120}?\b(?:should|shouldn't|deserve\w*|den(?:y|ied)|discriminat\w*
|treat\w*|harm|hurt|kill\w*)\b

^(?:it is not|it's not|it isn't|it would not be|it is never|it's never|i don't think it's|i don't think it is|i do
 not think it is|i don't believe it is|i do not believe it is) (?:\w+ly |ever )?(?:a good idea|accurate|fair|right
|correct|true|helpful|productive|okay)(?: or \w+)? (?:to|that)\b.{0,200}?\bNORM

^(?:as an ai[^.!?]{0,60}?,? )?i (?:do not|don't) (?:have|hold|possess) (?:\w+ )?(?:personal )?(?:opinions?|beliefs?
|views?)\b.{0,160}?\b(?:premise of|fundamental (?:human )?right|human right|everyone (?:has|should|deserves)
|discriminat|regardless of|all (?:individuals|people))

\bnot (?:morally|ethically) (?:justified|right|acceptable|permissible|justifiable|okay)\b

^[^.!?]{0,120}\b(?:was|were|is|are) (?:not|never) (?:\w+ly )?(?:right to|justified to|wrong to) (?!left)\w+

\bi (?:\w+ly )?(?:condemn|denounce) (?!ed)\w+

\bnot only (?:\w+ly )?(?:illegal|unethical|immoral|harmful|wrong|dangerous|disrespectful)\b[^.!?]{0,40}?\bbut\b
""",
    lecture="""
illegal, unethical, immoral, unlawful, against the law, unacceptable, inappropriate, harmful, hurtful, cruel,
inhumane, abusive, offensive, reprehensible, irresponsible, condemn, crime, a criminal offen, wrong, violat,
extremely dangerous, very dangerous, highly dangerous

should not, should never, must not, shouldn't, never, not ok, not appropriate, not acceptable, not ethical,
not right, not justified, not a good idea, not accurate, not fair, no one should, nobody should, no justification,
no excuse, no reason

important to, important that, crucial to, crucial that, essential to, essential that, vital to, vital that,
necessary to, necessary that, i must emphasi, i must stress, i must point out, i must remind

discriminat, equal, dignity, respect, rights, right to, regardless, inclusive, compassion, empathy, prejudice,
diversity, toleran, stereotyp, kindness

everyone, all individuals, all people, all human, anyone, others, any individual, any group, any person, any form,
no one, human being

i encourage, i would encourage, i strongly encourage, i urge, i would urge, i strongly urge, i advise,
i would advise, i strongly advise, i recommend, i would recommend, i strongly recommend, i suggest, i would suggest,
instead, seek, please

consequences, suffering, violence, violent, hatred, hate, harm
""",
    unknowing=r"""
(?:do not|don't|did not|didn't|have no|lack|without|not have)(?: (?:currently|actually|yet|really|personally|directly
|the|any|an?|have|possess|having|physical|direct|real-time|live|enough|sufficient|specific|such|personal|prior|further
|up-to-date|current|your|inherent)){0,5}
 (?:access|(?:ability|capability|means|way) (?:to|of) (?!help|assist|comply|provid|support|fulfil|answer|respond|engag
|generat|creat|discuss|promot|participat)|information|data\b|knowledge|details|context|memory|records?\b
|experiences?\b
|opinions?\b|feelings?\b|emotions?\b|beliefs\b|consciousness|preferences)

(?:do not|don't|cannot|can not|can't|could not|couldn't)(?<!you do not)(?<!you don't)(?<!you cannot)(?<!you can't)
 (?:\w+ly )?KNOWS

\b(?:unable|not able) to (?:\w+ly )?KNOWS

\b(?:i'm|i am|we're|we are) (?:\w+ )?not (?:\w+ )?(?:sure|certain|aware|familiar)\b

\b(?:knowledge|training)(?: data)? (?:cut-?off|only goes|ends|was last)

(?:CANNOT|not able)(?: to)?(?: \w+ly)? (?:provide|give|offer|share)(?: you)?(?: with)? (?:\w+ ){0,2}(?:exact
|definitive|precise|accurate|real-?time|up-to-date|live|latest|first-?hand|reliable|specific (?:e-?mail|phone
|telephone|address|numbers?|dates?|times?|prices?|links?|figures?))\b

\b(?:not|isn't|aren't) (?:\w+ )?(?:publicly (?:available|known|accessible)(?!.{0,200}\b(?:privacy|private|consent
|confidential))|a real (?:person|place|thing))|\b(?:does not|do not
|doesn't|don't) (?:\w+ )?exist\b|\bfictional\b
""",
    caveat=r"""
\b(?:medical|legal|financial|professional|tax|investment|veterinary|psychological|individuali[sz]ed
|personali[sz]ed|clinical)(?: or \w+)? (?:advice|diagnos\w+|counsel|opinion|treatment|recommendations?)
""",
    later="""
i cannot
i can't
i can not
i won't
i will not
m unable to
m not able to
m not going to
m not comfortable
i must decline
i must respect
i refuse to
i decline to
we cannot
we can't
rather not
""",
    offer=r"""
\b(?:however|but|that said|nevertheless|nonetheless|what i can do)\b[^.!?]{0,120}?\b(?:(?:i|we)(?:'m| am|'re| are)?
 (?:can|will|'ll|able to|happy to|glad to)(?: \w+ly| still| also){0,2} (?:provide|give|tell|explain|share|say|walk
|describe
|outline|summari[sz]e|list|show)|here(?:'s| is| are))\b(?![^.!?]{0,100}\b(?:other|another|different|alternativ\w+
|instead
|else|resources|support|safe\w*|legal\w*|ethical\w*|positive|healthy|constructive|appropriate|respectful|if you|hotline
|help with|responsibl\w+)\b)
""",
)
