"""The turns of phrase that say what is asked of a film as a whole: its view, its sides, the heart, all that is seen."""

import re

from cxr.questions.cues import words
from cxr.questions.vocabulary import FILM, SIZES

VIEW = words(
    r"a\.?p\.?|p\.?a\.?|poster(?:o-?|ior[ -])anterior|anter(?:o-?|ior[ -])posterior"
    r"|views?|projections?|planes?|frontal|lateral|supine"
    r"|(?:front|back) to (?:back|front)|directions?|facing|detector"
    rf"|how (?:was|is) {FILM} (?:taken|acquired|made|shot|done)|(?:from|in) (?:the )?(?:front|back|behind|side)|lying"
    r"|standing|beam|angle|which way|sideways|straight on|(?:side|front) (?:view|one)|(?:side|head)[- ]on"
)
PICTURE = words(
    r"(?:what|which) (?:kind|type|sort) is|(?:what|which) (?:kind|type|sort) of (?!view|projection)(?:\w+ )?(?:\w+)"
    r"|modality|is (?:this|it|that) an? (?:photo\w*|drawing|picture)|ct|mri|mr|ultrasound"
    r"|sonogra\w+|pet|tomogra\w+"
    rf"|(?:what|which|whose) (?:body )?(?:part|region|area) of (?:the |a )?body"
    r"|(?:what|which) (?:body part|organ|technique)(?: system)?|body (?:region|part)"
    rf"|(?:(?:is|was) (?:this|it|that)|(?:this|it|that) is) (?:an? |(?:made|taken|done) (?:with|by"
    rf"|using) )(?:(?:plain|ordinary|real"
    rf"|simple) )?{FILM}"
    rf"|(?:what|which) (?:exam\w*|scan|test|study) (?:is|was|did)|what is {FILM} of|is {FILM} of (?:a|the|my) \w+"
    rf"|(?:name|identify) (?:of )?the (?:exam\w*|modality|scan|study)|(?:type|kind|sort) of (?:image|picture"
    rf"|exam\w*|scan)"
    r"|imaging (?:technique|method)"
)
PART_OR = re.compile(
    rf"\b(?:is|was|are) (?:this|it|that|we)\b.*\b(?:chest(?: \w+)? or|or (?:\w+ ){{0,2}}chest)\b"
    rf"|\bbody\b.*\bchest or|^\W*{FILM}\W*$"
)
_SCREEN = rf"(?:{FILM}|(?:the |my )?(?:\w+ )?(?:screen|monitor|display|photo\w*))"
SIDE_OF_PICTURE = words(rf"(?:which|what) (?:side|half) of {_SCREEN}")
ORIENTATION = re.compile(
    rf"\b(?:which|what) (?:side|half|lung|edge|part|hand)\b(?! of (?:the |a )?body).*\b(?:left|right|{_SCREEN})\b"
    r"|\bwhere (?:is|'s|(?:do|can|would) (?:i|you|we) (?:find|see)) (?:the )?(?:patient'?s? )?(?:left|right)\b"
    rf"|\bpatient'?s? (?:own |anatomical )?(?:left|right)\b.*\b(?:left|right|side|{_SCREEN})\b"
    rf"|\b(?:left|right)(?: hand)? (?:side |half |edge |lung )?(?:of|in|on) {_SCREEN}\b"
    r"|\b(?:left|right)\b.*\bpatient'?s? (?:own )?(?:left|right)\b"
    r"|\bfacing (?:me|us)\b|^\W*(?:the )?(?:left|right) is where\b|\bwhich side is which\b"
    r"|\bwhich (?:one )?is (?:the |my )?(?:left|right)\b|\bmirror\w*"
    r"|\bflipped|\bswapped|\b(?:left|right) (?:side )?of (?:the |my |his |her )?(?:patient|person|body)\b"
    rf"|\bwhere\b.*{_SCREEN}.*\b(?:left|right)\b|\b(?:left|right)\b.*{_SCREEN}.*\bwhere\b"
    rf"|{_SCREEN}\W+(?:\w+ ){{0,6}}?(?:left|right)\b.*\b(?:left|right)\b"
    r"|\b(?:left|right) (?:lung |side |hand side |half )?(?:(?:is|and|on|at|in|really|to|be|shown|the|of|mean\w*)\W+)+"
    r"(?:left|right)\b"
)
GREETING = re.compile(
    r"^\W*(?:(?:hello|hi|hey|good (?:morning|day|afternoon|evening)|thanks?(?: you)?(?: very much| a lot)?|bye|goodbye"
    r"|please|there|help(?: me)?|test|ok(?:ay)?|lol|ha(?:ha)+|h+m+|cool|great|nice|yes|no|so|well)\W*)+$"
    r"|\b(?:who|what) are you\b|\bwhat (?:can|do) you (?:do|know|answer)\W*$"
    r"|\bwhat (?:can|may|should) i ask\b|\bhow (?:do|does) (?:you|this|it) work\b"
)
WHOLE = re.compile(  # nothing but heart or lungs: "heart?", "what about the right lung?"
    r"^\W*(?:(?:and|what about|how about|how is|how are|ok|the|his|her|my|both|left|right)\W+)*(?:hearts?|lungs?)\W*$"
)
HEART = words(r"hearts?|cardiac|cardio-?thoracic|ctr")
HEART_TOLD = words(r"how|what|which|ratio|ctr|small|tiny|little|comment|describe|tell")
HEART_ELSE = words(
    r"disease\w*|condition|fail\w*|beat\w*|shape\w*|border\w*|contour\w*|visible|attack|valves?|position|stop\w*"
)
HEART_SIZE = words(
    rf"room|space|bulky|swollen|widen\w*|dimensions?|proportion\w*|half|take up|takes up|too much|fill\w*|ratio|ctr"
    rf"|hearts?\W*$|{SIZES}|enlarge\w*|size|normal\w*|ok|okay|fine|grown|dilat\w+"
    rf"|width|half|diameter|ratio|wider|broad"
    rf"|oversized|look\w*|how is|about|healthy"
)
FINE = words(r"normal\w*|ok|okay|fine|healthy|good|unremarkable|al+ ?right")
TOO_LARGE = words(rf"{SIZES}|enlarge\w*|dilat\w+|wider|broad|oversized")
VAGUE = words(
    r"lesions?|opaci\w+|densit\w+|shadows?|spots?|patch\w*|blobs?|(?<!this )thing|stuff|white\w*|dark\w*"
    r"|it wrong|air\w*"
)
WRONG = words(
    r"abnormal\w*|wrong|problems?|pathol\w+|diseases?|unusual|suspicious|odd|strange|issues?|concern\w*|sick|bad"
)
SHADOW = words(r"shadows?|spots?|opaci\w+|patch(?:es|y)?|blobs?|fluid|water")
CLEAR = words(
    r"expanded|inflated|aerated|clear|(?:un)?remarkable|normal\w*|healthy|ok|okay|fine|al+ ?right|good|clean|nad"
    r"|all (?:is )?well|in order|as it should be"
)
ABOUT = words(
    rf"nothing|or|is|are|am|does|do|this|that|it|nad|any\w*|everything|all|some\w*|look\w*|my|what|how|which|{FILM}"
)
OVERVIEW = words(
    r"(?:what|which) (?:things? |exactly )?(?:(?:do|can|could|did|have|would) )?(?:you|u|we|i|one) (?:\w+ )?(?:see"
    r"|saw|notice\w*"
    rf"|find|found|tell|observe|detect\w*)|what (?:it|this|that|{FILM}) shows?|what is (?:in|on) (?:it|here)"
    rf"|what am i (?:looking at|seeing)|(?:what"
    rf"|anything) (?:does|did"
    r"|do|is|are|was|can) (?:[\w-]+ )*?(?:shows?|reveals?|seen|see|visible|on|in|here|there|wrong|abnormal)"
    r"|what is (?:that"
    r"|this|the)|describe|list|summar\w+|findings?|tell me (?:\w+ )?about|what you (?:can )?see|anything"
    r"|something|reports?|(?:talk|walk) (?:me|us) through|description|results?|present (?:this|the)"
    r"|diagnos\w*|impression|interpret\w*|read (?:this|the|my)|overview"
    r"|(?:look at|most likely|matters?) first|abnormalit(?:y|ies)|notice|(?:which"
    r"|what) (?:\w+ )?(?:abnormal\w*|findings?|patholog\w*|diseases?|problems?)|things?|main|most important|explain"
)
