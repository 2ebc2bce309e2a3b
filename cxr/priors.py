"""Whether a text speaks of an earlier film: a measure of reports that were written from one film alone.

The words follow arXiv:2406.06496 and the comparisons found in reports; a rule-based measure, so it misses some
wordings. Earlier illness or surgery ("prior sternotomy") is no earlier film. Knows nothing about models.
"""

import re

# After "prior" or "previous": what happened to the patient rather than to a film.
HISTORY = (
    r"(?:surg|operati|sternotom|thoracotom|resection|lobectom|mastectom|pneumonectom|cabg|bypass|granulom|infect|"
    r"trauma|injur|tubercul|tb\b|valve|procedure|vertebroplast|biops|radiat|inflamm|aspirat|histor|smok|disease|"
    r"asbest|exposure|cholecyst|pleurodes|histoplasm|interventi|insult|myocardial|fracture|rib)"
)
WORDS = (
    r"unchanged",
    r"(?<!hemodynamically )(?<!clinically )stabl[ey]",
    r"stability",
    r"similar(?:ly)?",
    r"compar(?:e|ed|ing|isons?|able)",
    r"again",
    r"re-?(?:demonstrat\w+|identified|visuali[sz]ed)",
    r"interval(?:ly)?",
    r"new(?:ly)?",
    r"now",
    r"still",
    r"no longer",
    r"wors(?:e|en\w*)",
    r"improv\w+",
    r"progress(?:ed|ion|ing|ively|ive(?! massive))",
    r"resolv(?:ed|es|ing)",
    r"(?<!high.)resolution",
    r"clear(?:ed|ing|er(?! view))",
    r"better (?:aerated|expanded|inflated|ventilated)",
    r"re-?(?:expanded|accumulated|inflated|aerated)",
    r"recurrent(?! (?:laryngeal|aspirat|infect|pneumonias|respirat|patch))",
    r"(?:was|were) (?:removed|replaced|repositioned|advanced|withdrawn|pulled|inserted|extubated)",
    r"(?:has|have|had) (?:[\w-]+ ){0,3}?(?:increased|decreased|enlarged|changed|grown|developed|appeared|disappeared|"
    r"diminished|accumulated|re-?accumulated|lessened|regressed|become|gone|been (?:removed|replaced|"
    r"repositioned|advanced|withdrawn|pulled|placed|inserted|extubated))",
    r"(?:increased|decreased)(?= (?:since|from|in (?:size|extent|number|amount|conspicuity|prominence|severity))\b)",
    r"(?<!is )(?<!are )(?<!ly )(?:increased|decreased)(?=\s*(?:[.;]|$))",  # "are decreased" is a state, not a change
    r"(?:increas|decreas|diminish|enlarg|evolv|recurr|lessen)ing",
    r"(?:increases?|decreases?|reduction|evolution|regression)(?= (?:in|of)\b)",
    r"persist\w*",
    r"continu(?:es?|ed|ing)",
    r"remain(?:s|ed)?",
    r"previous(?:ly)?(?! (?:[\w-]+ ){0,2}" + HISTORY + ")",
    r"prior(?! to\b)(?! (?:[\w-]+ ){0,2}" + HISTORY + ")",
    r"pre-?existing",
    r"earlier",
    r"yesterday\w*",
    r"(?:as|than) before",
    r"since(?! (?:the patient|there|it|this)\b)",
    r"baseline",
    r"serial",
    r"(?:no|without|any|little|minimal|slight) (?:[\w-]+ ){0,3}?change",
    r"changed",
    r"change (?:in|from|since)",
    r"(?:smaller|larger|denser|(?:more|less) (?:conspicuous|prominent|extensive|apparent|pronounced|confluent))"
    r"(?! (?:on|in|at|than) the (?:left|right))",
    r"(?:last|recent|preceding|old) (?:[\w-]+ ){0,2}?(?:film|radiograph|x-?ray|study|studie|exam|examination|image|"
    r"imaging|ct|mri?)s?",
    r"(?:seen|noted|shown|described|evaluated|assessed|characteri[sz]ed|demonstrated) on (?:[\w-]+ ){0,4}?"
    r"(?:ct|mri?|pet|tomography)",
)
PRIOR = re.compile(rf"\b(?:{'|'.join(WORDS)})\b", re.IGNORECASE)


def mentions_prior(text: str) -> bool:
    """Whether a text compares with an earlier film or says what changed since: "unchanged", "new", "has increased"."""
    return PRIOR.search(" ".join(text.split())) is not None
