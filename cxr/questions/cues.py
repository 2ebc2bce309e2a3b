"""The turns of phrase that say what is asked: a size, a place, advice, the past. Knows nothing about findings."""

import re

from cxr.questions.vocabulary import FILM, SIZES


def words(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w-])(?:{pattern})(?![\w-])")


MEANING = re.compile(
    r"(?:^|[:.,;] )\W*(?:(?:what(?: exactly)?(?: is|'s| are| was)|define|explain|meaning of|definition of)"
    r" (?:\w+ing )?(?:the (?:word|term) "
    r"|a |an )?X(?: exactly| please| anyway| in (?:\w+ )?(?:words?|terms?|language|english)| mean(?:s|ing)?)*\W*$)"
    r"|^\W*what (?:is|are) (?:an? )?X,? (?:and|or) (?:what (?:is|are) )?(?:an? )?X\W*$"
    r"|^\W*what (?:is|are) an? (?:(?!X)[\w'-]+ ?){1,3}\W*$|\bwhat do(?:es)? (?:an? |the )?X mean\b"
    r"|\bwhat (?:exactly )?do (?:you|doctors|they|people) (?:understand by|mean by|call)\b|\bexplanation of what\b"
    r"|\bwhat (?:an? |the )?X (?:is|are|means?)\W*$|\bX is what\b|\bhow (?:is|are) (?:an? )?X defined\b"
    r"|(?<!in a )(?<!one )(?<!single )\b(?:word|(?<!long )(?<!short )term|expression|phrase)\b.*X|X.*\bthat word\b"
    r"|\bunderstood by\b|\bwhat is (?:an? )?X in general\b"
    r"|(?<!i )\b(?:mean(?:s|t(?! to)|ing)?|stands? for|definition)\b(?!.*\bfor (?:me|him|her|us)\b)|\bdefine\b"
    r"|\bexplain (?:(?!the|this)\w+ |the (?:\w+ )?(?:word|term) ){0,3}?\W?X\b(?! you| on| in th)"
    r"|\b(?:word|term|expression|phrase) \W?X\W.*\bexplain\w*|\bdifference between\b|\b(?:know|understand"
    r"|understood|heard|word|term|tell me|explain)\b.*\bwhat (?:an? )?(?:X|it|that|this) (?:is|are)\b|\b(?:know"
    r"|understand|heard|word|term|says?|said|wrote|written|writes?|reads?|called|mentions?|mentioned|letter"
    r"|report|told)\b"
    r".*\bX\b.*\bwhat(?: exactly)? (?:is|does) (?:it|that|this)\b(?:,? (?:mean|please|then|exactly"
    r"|in \w+(?: \w+)?))*\W*$"
    r"|^\W*X\W+what(?: exactly)? is (?:it|that|this)\W*$"
)
TREATMENT = words(
    r"treat\w*|physio\w*|any good for|therap\w+|antibiotic\w*|medicines?|medications?|meds|drugs?|pills?|tablets?"
    r"|dos(?:e|es|age)"
    r"|prescri\w+|surg(?:ery|ical intervention|eries|eon)|operat(?:e|ed|ion|ions)|steroids?|inhalers?|oxygen"
    r"|vaccin\w*|cures?|cured|remed(?:y|ies)|manag(?:e|ed|ing|ement)|biops\w+|aspirin|ibuprofen|paracetamol"
    r"|\w+(?:icillin|mycin|semide)|chest drain|put in|take out|remove[d]?|be drained"
    r"|drain(?:ed|age)?(?= (?:it|this|the|be))"
    r"|what (?:should|can|must|could|do) (?:i|we|he|she|they|you|one|the patient) (?:do (?:about|for|against|with)"
    r"|take|eat)|what (?:should|can|must|could) (?:i|we|he|she|they) do|(?:should|could|must|can|needs? to|has to"
    r"|have to) be done|next steps?|discharged?|refer(?:red|ral)?|(?:should|must|can|may) (?:i|we|he|she"
    r"|they) (?!look|see|say|write|find|call (?:it|this|that)|search|read|describe|notice|tell|know|expect|assume"
    r"|conclude|trust|ask|recogni[sz]e|interpret|report|check|compare|mention|focus|point|mark|draw|study|learn"
    r"|understand|remember|explain|examine|pay|show|rule|exclude|get for|be (?:able|looking|seeing))\w+|(?:do"
    r"|does) (?:i|we|he"
    r"|she|they|this|that|it"
    r"|the patient|my \w+) (?:need|require|have to)|help(?:s|ful)? (?:here|with)|is it (?:ok|okay|safe|allowed"
    r"|fine) (?:to|if|for)|(?:something|anything) (?:that )?(?:i|we|you|one) (?:can|could|should) (?:do|take|eat)"
    r"|at home"
)
OUTLOOK = words(
    r"prognos\w*|die|dies|dying|death|dead|surviv\w*|fatal|deadly|kill\w*|life expectancy|recover\w*|heal|heals"
    r"|healed|healing|get(?:ting)? (?:better|worse|well|over)|(?:will|gonna) (?:i|he|she|it|this|that|they"
    r"|the patient|my \w+)|will (?=\w+ (?:be|get|go|live|heal))|going to (?:be|die|live|make)|chances?|outlook"
    r"|curable|(?:it|this|that) will|will there|become (?:more|worse|serious|a)|back to normal|how many (?:days"
    r"|weeks|months|years)|go(?:es|ing)? away|terminal|concerned about|be concerned"
    r"|worr(?:y|ied"
    r"|ying)|scar(?:ed|y)|afraid"
    r"|emergenc\w*|urgen\w*"
    r"|hospital\w*|ambulance|er|a&e"
    r"|casualty|911|999|112|serious\w*|danger\w*|harmful|harmless|life[- ]threatening|critical|how long (?:do|does"
    r"|will|until|before|to|it takes?)|long term|(?:see|call|go to|visit|tell|phone) (?:a|the|my|your) (?:doctor|gp"
    r"|physician|specialist)|(?:is|are) (?:it|this|that|these|they|x) (?:really |very |so |that |too )?bad"
    r"|am i (?:ok|okay|fine|sick|ill|healthy|going)"
    r"|how bad"
    r"|fit (?:to|for)|(?:can|may) (?:i|he|she|we) (?:fly|work"
    r"|drive|travel|exercise|swim|run|smoke|drink|go)"
)
WORRIED = words(r"(?:worried|scared|afraid|anxious)(?: about| of| that)?")  # as people begin who then ask what is there
HOW_BAD = words(r"how bad|how severe")  # of a finding: its size
EARLIER = words(
    r"still|"
    r"changed?|changing|any changes?|new|newer|progress(?:ed|ion|ing)?|worsen\w*|improv\w+"
    r"|(?<!lung is )(?<!side is )(?<!which is )(?:better|worse)"
    r"|unchanged"
    r"|stable|previous\w*|prior|earlier|yesterday|ago|before\W*$|(?:than|as|was|were|with|like|seen|there) before"
    r"|since (?:when|the|last|his|her|my|yesterday)"
    r"|old films?|resolv\w+|last (?:film|week|month|year|time|x-?ray|scan|one|picture|visit|exam)|compar(?:e|ed"
    r"|ison) (?:to|with|this)(?! the (?:thorax|chest|other|left|right|rest|surrounding|normal|healthy|heart"
    r"|lung))|already|follow[- ]?up|how long (?:has|have"
    r"|had|is|was)|grow(?:n|ing)|grew|acute or|chronic or|recent\w*"
    r"|gone|cleared|disappeared|vanished"
)
CAUSE = words(
    r"why|caus(?:e|es|ed|ing)|due to|reasons?|because of what|responsible|bacteri\w*|virus(?:es)?|viral|fung(?:al"
    r"|us)|a?etiolog\w*|how come|result of (?!(?:the |this |my )?(?:chest )?(?:x-?ray|film|scan|exam\w*))"
    r"|come from|came from|brought (?:on|about)|how did (?:\w+ )+(?:get|happen"
    r"|catch|develop)"
)
SYMPTOMS = words(
    r"cough\w*|pain\w*|fever\w*|symptoms?|breathless\w*|short(?:ness)? of breath|dizz\w*|tired|feel\w*|hurts?"
    r"|suffer\w*|sneez\w*|unwell|vomit\w*"
)
PERSON = words(
    r"(?:patient|person)(?:'s)? (?:name|age|sex|gender|weight|height)|(?:his|her|their) (?:name|age|weight|height"
    r"|job)|(?:name|age|sex|gender|weight|height) of (?:the|this) (?:patient|person)|how (?:old|heavy)"
    r"|how tall (?:is|are|was) (?:he|she|i|the|this)|(?:male"
    r"|man) or|(?:female|woman) or|boy or|girl or|(?:is|are) (?:this|that|the patient|it|they|he"
    r"|she) (?:from )?(?:an? )?(?:male|female|man|woman|boy|girl|child|adult|smoker|pregnant)|pregnan\w*|smok(?:e"
    r"|es|ed|er|ing)|who is (?:this|the|he|she|it)"
    r"|whose (?:\w+ )?(?:film|x-ray|picture|image|scan|is|are|name)|(?:is|are) (?:this|it|that) (?:really )?(?:my"
    r"|mine|his"
    r"|hers?|your)(?: own)? (?:film|x-ray|picture|image)|gender|sex|ethnic\w*|race|born|birth\w*|nationality"
    r"|(?:what|which) (?:job|country|hospital)|alcohol\w*"
)
SIZE = words(
    r"percent\w* of (?:the|my|his|her|a|one|each)|taken up by|"
    r"how (?:bad|big|large|small|much|extensive|wide|severe|thick|tall|deep|far|many (?:cm|mm|ml|\w*met(?:re"
    r"|er)s?|inch\w*))|sizes?|extent"
    r"|extensive|is (?:it|that|this) (?:much|a lot)|proportion|fraction|(?:take|takes|taking) up|cover(?:s|ing)?"
    r"|bigness"
    r"|extends?|grade|severity|quantif\w+|(?:how much|the) (?:room|space)|across"
    rf"|(?:{SIZES}) X or|cm|mm|ml|diameter|width|height|measure\w*|volume|amount|dimensions?"
    rf"|(?:{SIZES})(?: one)?(?:,| or)"
    rf"|X (?:\w+ ){{0,5}}?(?:is|looks"
    rf"|seems) (?:\w+ )?(?:{SIZES})|(?:is|are|was|call|say) (?:\w+ )?(?:the|this|that|it|his|her"
    rf"|my) (?:\w+ ){{0,4}}?(?:X )?(?:\w+ ){{0,4}}?(?:an? )?(?:very |rather |quite )?(?:{SIZES})(?: one)?"
)
_EITHER_SIDE = (
    r"(?:left|right)(?:[- ]sided)?\W+(?:\w+\W+){0,4}?or\W+(?:[\w']+ ){0,4}?(?:left|right|both)(?:[- ]sided)?"
    r"|left\W+(?:\w+ ){0,3}right|laterality"
    r"|both (?:sides |lungs )?or|one[- ]sided|(?:uni|bi)lateral or"
)
PLACE = words(
    r"where\w*|(?:which|what) of (?:the|my|his|her|both) (?:two |both )?(?:lungs|sides)"
    r"|(?:which|what|whose) (?:side|lobe|lung|zone|part|region|area|field|segment|half|place|position)s?"
    rf"|locat\w+|position|point (?:me )?(?:to|at|out)|find the|{_EITHER_SIDE}|(?<!left )(?<!right )side of|show me"
    r"|close to|near|next to|at the (?:edge|top|bottom|base|apex)|central or|peripheral or|(?:bas|apic)al or|upper or"
    r"|lower or"
)
CHOICE = words(rf"(?:{SIZES})\b.*\bor (?:an? |rather )?(?:{SIZES})|{_EITHER_SIDE}")
ON_SIDE = words(
    r"(?:is|are) (?:the|this|that|these|his|her|my) (?:\w+ ){0,2}?X (?:\w+ ){0,2}?"
    r"(?:on|in|at) (?:the |my |his |her )?(?:left|right)"
    r"|(?:left|right) (?:lung|side|one) (?:that|which) (?:has|shows|is)|(?:is|are) .*X.* (?:bilateral|both sides)"
    r"|(?:is|are) .*X bilateral"
)
SUBJECT = re.compile(  # "has the mass displaced anything?" takes it for granted
    r"^\W*(?:has|have|does|do|did|is|are|was) (?:the|this|that|his|her|my) (?:[\w'-]+ ){0,2}?X "
    r"(?!on\b|in\b|at\b|there|here|visible|present|seen|real|show|or\b|yes|no\b|not\b)\w+"
)
IS_SIZED = words(
    rf"(?:is|are) (?:the|this|that) X\b.*\b(?:{SIZES})(?=\W*$)|(?:{SIZES}) X or (?:an? )?(?:{SIZES})|is (?:it|this"
    rf"|that) (?:much|a lot of) X|is (?:it|this"
    rf"|that) an? (?:\w+ )?(?:{SIZES}) (?:\w+ )?X"
)
THERE_FIRST = re.compile(r"^\W*(?:(?:is|are|was) there|any|do|does|can|could|has|have)\b")
SIDE_ASKED = words(
    r"what side of|(?<!left )(?<!right )side of|(?:which|what) sides?"
    r"|(?:which|what) of (?:the|my|his|her|both) (?:two |both )?(?:lungs|sides)"
    rf"|{_EITHER_SIDE}"
)
DESCRIBE = words(r"describe|say (?:of|about)|description|tell me (?:more )?about|characteri[sz]e|details? (?:of|about)")
ASKS = re.compile(r"\b(?:how|where\w*|which|(?<!is that )(?<!is it )what|whose)\b")  # what is asked outright
IS_THERE = words(
    r"(?:is|are|was) there|there is|there's|there are|(?<!contain )(?<!have )any|(?:do|can|could|did) (?:you|u|we"
    r"|i) (?:\w+ )?(?:see|spot"
    r"|detect|find|notice|identify|recogni[sz]e|make out|confirm)|(?:does|do|has|have|did|is"
    r"|was) (?:(?!X)\w+ ){0,4}?(?:show|have|has|got|suffer|present|suggest|indicate|reveal)"
    r"|(?<!to )present(?! the)|visible|seen|signs? of|evidence"
    r"|look(?:ing)? for|check(?:ing)?|search for|exists?|yes or no|suspect\w*|could (?:it|this"
    r"|that) be"
    r"|(?:is|was) (?:this|that|it) (?:an? )?(?:\w+ )?X(?! (?!show)\w+ing\b)|(?:it|this|that) is (?:an? )?(?:\w+ )?X"
    rf"|(?:if|have|having) (?:an? )?X|be (?:found|made out)|pick(?:ed)? up|is (?:it|that|this|he|she) (?:true"
    rf"|correct|right|so|what)"
    rf"|is it (?:really )?(?:there|here|(?:in|on) {FILM})|i (?:think|believe|see|suspect)|(?:with"
    r"|has) (?:an? )?(?:(?!the|this|that)\w+ )?X|what about|how about|whether|if there|says|said|told|(?:could|might"
    r"|may|can) (?:\w+ ){1,6}be (?:an? )?(?:\w+ )?X"
)
DENIAL = words(
    r"(?<!yes/)(?<!yes or )no|not|isn't|without|free|exclude[d]?|rule[d]? out|(?<!present or )absen\w+|none|clear of"
    r"|don't|doesn't|never|lack\w*|nor"
)
# Turned round more than once, or in a way for which there is no taught form: the fact is told, without yes or no.
TANGLED = words(
    r"neither|false|untrue|unlikely|(?:the )?absence|or not\W*$|(?:not|n't) true|deny"
    r"|(?:no|not|isn't|without|never) (?:\w+ ){1,5}(?:no|not|without|free|absent)"
)
IF_THERE = words(r"if (?:there|so|any|it has|it shows)|whether")
SURE = words(
    r"how (?:sure|certain|likely|probable|confident)|probabilit\w+|likelihood|chances? (?:of|that|i|he|she)"
    r"|percent\w*(?! of (?:the|my|his|her|a|one|each))|odds|confidence"
)
REAL = words(r"(?:that )?(?:the|this|that|his|her|my) (?:\w+ ){0,2}?X (?:is|are) (?:\w+ )?(?:real|there|true|right)")
COUNT = words(r"how many(?! (?:cm|mm|ml|\w*met(?:re|er)s?|inch))|number of|count")
ENGLISH = re.compile(r"\b(?:is|are|the|there|what|how|does?|of|on|any|you|this|that|can|has|have|it|i|my|a|an)\b")
DEFINITE = re.compile(
    r"\b(?:the|this|that|these|those|his|her|my|their|its|your)(?: (?!there|lung|film|patient|chest|an?\b|x-ray|picture"
    r"|image|scan|pick|have|has|had|got|if|whether|that|show|suggest|indicat|reveal"
    r"|with|without|says?\b|is\b|are\b|was\b|any\b|no\b|of\b)[\w'-]+){0,3}? X"
)
OUTRIGHT = re.compile(r"^\W*(?:(?:so|and|but|ok|hi|please)\W+)*(?:how|why|what|which)\b(?! about)")  # as ASKS, at once
GIVEN = words(
    r"(?:since|given|because|as|assuming|knowing)(?: that)? (?:there (?:is|are)|the|an?|it)(?: \w+)? X"
    r"|given the X|there is (?:the|this|that|his|her|my) X"
)
TWO_CLAUSES = re.compile(
    r"^(?!\W*(?:is|are|do|does|can|could|any|has|have|what|where|how|which)\b)([^.;:,!?]*X[^.;:,!?]*)[.;:,!?]+\s*"
    r"((?:and |so |but )?(?:is|are|does|do|has|how|what|where|which|can|could|tell|please|give|describe|might"
    r"|would)\b.*\bits?\b.*)$"
)
IT_HAS = r"\b(?:does it have|has it got)\b"  # asks about what was named before
INSIDE = words(r"(?:in|inside|within|around|beside|next to) (?:the|this|that) X")
AND_MORE = r"(?<=X\?)\W*(?:and |if so |so )?\b(?:how|where|which)\b[^X]*\bit\b[^X]*$"  # an answer tells size and place
TRUST = re.compile(
    r"\bhow (?:sure|certain|confident|accurate|reliable|good) (?:are|is) (?:you|this|it)\W*$|\b(?:could|can|might"
    r"|may) you be"
    r" wrong\b|\bcan i (?:trust|rely on) (?:you|this|it)\b|\bhow often are you (?:right|wrong)\b|\bare you (?:sure"
    r"|certain)\b"
)
PRONOUN = words(r"it|this|that|they|them|one|these|those")
FOLLOWS = re.compile(r"^\W*(?:and|what about|how about|ok(?:ay)?|so|then|also|but)\b")

IS_IT = re.compile(r"^\W*(?:is|are) (?:it|that|they|those) (?:on|in|at) ")
WHAT_IS_IT = re.compile(r"^\W*what (?:is|does|are) (?:it|that|this|they)(?: mean| exactly| then)*\W*$")
# What is told before the question.
TOLD = (
    r"^\W*(?:i(?:'m| am| have| had|'ve)?|he|she|we|the patient|patient|my \w+|this (?:man|woman|patient)|after|hi|hello"
    r"|a?\s?\d+)\b"
    r"[^?]*?[,.;:!]\s+(?=(?:is|are|do|does|can|could|any|has|have|what|which|where|how)\b)"
)

TAG = re.compile(  # "..., isn't it?"
    r"(?:\W+(?:isn't|aren't|doesn't|don't)|,\W*(?:is|are|does|do)) (?:it|there|they|you)\W*$"
    r"|,\W*(?:right|correct|yeah|yes|no)\W*$"
)
# What else would be read for what it is not, and what it is read as.
PLAINER = (
    (
        r"^(\W*(?:(?:so|but|and) )?(?:no|there|it|this|that|i|he|she|we)\b.*)"
        r"(?<! or)(?<!the)(?<! on)(?<! in)(?<! my)(?<! his)(?<! her)(?<!their)(?<!your)\W+right\W*$",
        r"\1",  # "no effusion right?" names no side
    ),
    (r"\b(?:not|n't|isn't) (?:quite |all |looking )?right\b(?! (?:lung|side))", "wrong"),
    (r"\b(left|right)[- ]hand(?:ed)?\b", r"\1"),
    (r"\bput your finger on\b", "show me"),
    (r"\bl (?:or|/) r\b|\bl/r\b|\br (?:or|/) l\b", "left or right"),
    (r"\bis l\b", "is left"),
    (r"\b(?:apart from|besides|other than|except(?: for)?|in addition to)\b.*", ""),
    (r"\bwhere is r\b", "where is right"),
    (r"^\W*(is|are|was|has|have|does|do|did|can|could|would)n't\b", r"\1"),  # "isn't it enlarged?" expects a yes
    (r"^\W*(?:never mind|forget|not|leave|ignore)\b[^.,:;?!]*[.,:;]\s*", ""),
    (r"\b(?:all|al) ?right\b", "fine"),
    (r"\b(the|my|his|her|large|big|enlarged) hea[rt]\b", r"\1 heart"),  # English words, but mistyped ones
)
OR_NOT = re.compile(  # offers a no and denies nothing
    r"\W*\bor (?:not|(?:is|are|was) (?:it|they|this|that|the \w+) (?:clear|free|without|not|absent)[^X]*)\W*$"
)
