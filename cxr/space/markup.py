"""Results as the page's own HTML: plain elements with classes from style.css, no script. Knows nothing about Gradio.

Every text that is not ours is escaped.
"""

from collections.abc import Sequence
from html import escape

from cxr.findings import Level, find_finding
from cxr.level import explain_level, name_bare, title_level
from cxr.meaning import name_tested, sum_up
from cxr.prompts import join_words
from cxr.results import DISCLAIMER, Classification, Gate, Identity, Score, Verdict, write_percent
from cxr.space.examples import Example
from cxr.space.views import name_not_looked_for, name_uncertainty

SIGNS = {Verdict.PRESENT: "●", Verdict.NOT_SURE: "◐", Verdict.ABSENT: "○"}  # never by colour alone
LEVELS = {Level.LOOK_FIRST: "first", Level.ATTENTION: "attention", Level.NONE_SEEN: "none"}
BARS = "The two marks on a bar: absent below the first, present from the second, not sure between."
SCOPE = "Reports and answers are written by a model and may be wrong; it gives no advice on care."
GATE_OFF = "The gate is off: no adapter tells which films this model knows, so only header and greys are checked."
GATE_REMOTE = "The gate is off: what the encoder computes stays at the endpoint, so only header and greys are checked."
LLAMA_NOTICE = (
    "Built with Llama. Llama 3.2 is licensed under the Llama 3.2 Community License, Copyright © Meta Platforms, Inc. "
    "All Rights Reserved. The licence does not grant the rights to its multimodal models to individuals domiciled in, "
    "or companies with their principal place of business in, the European Union; end users of a product built with "
    "them are not concerned."
)


def show_identity(identity: Identity) -> str:
    """Title, purpose, and who answers: base, adapter, revisions, device."""
    facts = [
        ("Base", identity.base, identity.base_revision),
        ("Adapter", identity.adapter or "none", identity.adapter_revision),
        ("Device", identity.device, None),
    ]
    listed = "".join(
        f"<div><dt>{name}</dt><dd>{escape(value)}{_show_revision(revision)}</dd></div>"
        for name, value, revision in facts
    )
    badges = [text for text in (name_uncertainty(identity), "Built with Llama" if identity.llama else None) if text]
    marks = "".join(f'<span class="cxr-badge">{escape(text)}</span>' for text in badges)
    if not identity.gate:
        why = GATE_REMOTE if identity.remote else GATE_OFF
        marks += f'<span class="cxr-badge" title="{escape(why)}">Gate off</span>'
    return (
        '<header class="cxr-header"><div class="cxr-title"><h1>Chest film reader</h1>'
        f'<p class="cxr-purpose">{DISCLAIMER}</p></div>'
        f'<dl class="cxr-identity" aria-label="Who is answering">{listed}</dl>{marks}</header>'
    )


def _show_revision(revision: str | None) -> str:
    return f' <code title="revision {escape(revision)}">{escape(revision[:8])}</code>' if revision else ""


def show_notes(sentences: Sequence[str]) -> str:
    """Sentences that must not be overlooked; nothing where there are none.

    The role stands around the list: on it, screen readers would no longer call it a list.
    """
    if not sentences:
        return ""
    listed = "".join(f"<li>{escape(text)}</li>" for text in sentences)
    return f'<div role="status"><ul class="cxr-notes">{listed}</ul></div>'


def show_plain(text: str) -> str:
    """A report in plain words, a line a finding; says that it will be here where there is none yet."""
    if not text:
        return show_caption("Here, when the report is finished.")
    listed = "".join(f"<li>{escape(line)}</li>" for line in text.splitlines())
    return f'<ul class="cxr-plain">{listed}</ul>'


def show_gate(gate: Gate) -> str:
    """Whether the film can be read, and if not, why and what to do; nothing where there is nothing to say."""
    if not gate.reasons:
        return ""
    title = "This film was not read" if gate.refused else "Read with care"
    if gate.overruled and any(reason.refuses for reason in gate.reasons):
        title = "Read all the same, as you asked: do not trust what is said of it"
    listed = "".join(
        f"<li>{escape(reason.sentence)} <strong>{escape(reason.step)}</strong></li>" for reason in gate.reasons
    )
    level = "first" if gate.refused else "attention"
    return f'<section class="cxr-level cxr-level-{level}" role="alert"><h2>{title}</h2><ul>{listed}</ul></section>'


def show_unread(sentence: str) -> str:
    """Why a file is no film, where its findings would be announced."""
    return (
        '<section class="cxr-level cxr-level-first" role="alert"><h2>This file was not read</h2>'
        f"<ul><li>{escape(sentence)}</li></ul></section>"
    )


def show_invitation(text: str) -> str:
    """What stands where results will be."""
    return f'<p class="cxr-invitation">{escape(text)}</p>'


def show_caption(text: str) -> str:
    """One quiet line under the film."""
    return f'<p class="cxr-small">{escape(text)}</p>'


def show_findings(classification: Classification, identity: Identity) -> str:
    """The reading order with its reasons, the 14 findings in clinical order, and below them the adapter's own."""
    bars = BARS if any(score.verdict for score in classification.scores) else ""
    return (
        f"{show_notes(classification.warnings)}{_show_level(classification, identity)}"
        f"{_show_table(classification.scores, '14 findings in clinical order')}{_show_own(classification)}"
        f'<p class="cxr-small">{escape(name_tested(classification))} {bars} '
        "A probability is the model's, and says nothing about care.</p>"
    )


def _show_table(scores: Sequence[Score], caption: str) -> str:
    rows = "".join(_show_score(score) for score in scores)
    titles = ("Finding", "Probability", "Not sure in", "Result")
    head = "".join(f'<th scope="col">{text}</th>' for text in titles)
    return (
        f'<table class="cxr-findings"><caption>{caption}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    )


def _show_own(classification: Classification) -> str:
    if not classification.own:
        return ""
    names = join_words([find_finding(score.finding).noun for score in classification.own], "and")
    bare = [score for score in classification.own if score.verdict is None]
    return (
        f'<section class="cxr-own"><h2>Also learnt by this adapter: {escape(names)}</h2>'
        f"{_show_table(classification.own, 'Findings outside the 14')}"
        f"{show_caption(name_bare(bare)) if bare else ''}</section>"
    )


def show_summary(classification: Classification) -> str:
    """One line beside the film, for screens on which the findings are further down."""
    if classification.level is None:
        return ""
    scores = (*classification.scores, *classification.own)
    named = [find_finding(score.finding).name for score in scores if score.verdict is Verdict.PRESENT]
    text = f"{classification.level.value}{': ' if named else ''}{', '.join(named)}. All findings are below the film."
    return f'<p class="cxr-summary cxr-level-{LEVELS[classification.level]}" role="status">{escape(text)}</p>'


def show_refused_summary() -> str:
    """The same where nothing was read."""
    return (
        '<p class="cxr-summary cxr-level-first" role="status">This film was not read. The reason stands below it.</p>'
    )


def show_scope(own: Sequence[str] = ()) -> str:
    """What holds for all three tabs. `own`: keys of the adapter's own findings."""
    return f'<p class="cxr-small">{escape(name_not_looked_for(own))} {SCOPE}</p>'


def _show_level(classification: Classification, identity: Identity) -> str:
    level, reasons = classification.level, explain_level(classification)
    if level is None:
        title = title_level(classification, name_uncertainty(identity))
        said = escape(" ".join(reasons))
        return f'<section class="cxr-level cxr-level-unknown"><h2>{escape(title)}</h2><p>{said}</p></section>'
    items = "".join(f"<li>{escape(reason)}</li>" for reason in reasons)
    listed = f"<ul>{items}</ul>" if items else ""
    judged = any(score.verdict for score in classification.own)
    counted = "these 14 findings and the calibrated ones below them" if judged else "these 14 findings alone"
    return (
        f'<section class="cxr-level cxr-level-{LEVELS[level]}" role="status"><h2>{escape(level.value)}</h2>'
        f'{listed}<p class="cxr-small">A reading order: how soon somebody should look, going by an estimate '
        f"of {counted}.</p></section>"
    )


def _show_score(score: Score) -> str:
    finding = find_finding(score.finding)
    kind = score.verdict.name.lower().replace("_", "-") if score.verdict else "unknown"
    verdict = f"{SIGNS[score.verdict]} {score.verdict.value}" if score.verdict else "–"
    threshold = "–"
    if score.present_from is not None and score.absent_below is not None:
        threshold = f"{write_percent(score.absent_below).removesuffix('%')}–{write_percent(score.present_from)}"
    percent = escape(write_percent(score.probability))
    return (
        f'<tr class="cxr-{kind}"><th scope="row">'
        f"<details><summary>{escape(finding.name)}</summary>{_explain(score)}</details></th>"
        f'<td class="cxr-probability"><div>{_draw_bar(score)}<span>{percent}</span></div>{_show_meaning(score)}</td>'
        f'<td class="cxr-threshold">{escape(threshold)}</td><td class="cxr-verdict">{escape(verdict)}</td></tr>'
    )


def _show_meaning(score: Score) -> str:
    words = sum_up(score)
    return f"<small>{escape(words)}</small>" if words else ""


def _explain(score: Score) -> str:
    finding = find_finding(score.finding)
    points = ""
    if score.present_from is not None and score.absent_below is not None:
        low, high = write_percent(score.absent_below), write_percent(score.present_from)
        points = f" Present from {high}, absent below {low}, not sure between."
    meaning = f" {score.meaning}" if score.meaning else ""
    return f"<p>{escape(finding.plain)} {escape(finding.why)}{escape(points)}{escape(meaning)}</p>"


def _draw_bar(score: Score) -> str:
    """A bar for the eye only: the number stands beside it."""
    ticks = [value for value in (score.absent_below, score.present_from) if value is not None]
    marks = "".join(f'<i style="left:{value:.1%}"></i>' for value in ticks)
    return f'<span class="cxr-bar" aria-hidden="true"><b style="width:{score.probability:.1%}"></b>{marks}</span>'


def show_truth(example: Example) -> str:
    """What is known about an example, and from whom."""
    return (
        f'<section class="cxr-truth"><h2>What is known</h2><p>{escape(example.words)}</p>'
        f'<p class="cxr-small">{escape(example.credit)}</p></section>'
    )


def show_licence(identity: Identity) -> str:
    """The footer: what happens to films, and the notice that Llama's licence asks for where it is in use."""
    kept = (
        "The file you send is deleted within a minute after it was read. The film made of it, which has no names but "
        "those written into the picture, is kept on this machine for about an hour, so that you can look at it; no "
        "other visitor sees it. Please send none from which a person can be recognised."
    )
    if identity.remote:
        kept += " The picture also goes to the endpoint that is named above, where its operator decides what is kept."
    notice = f"<p>{escape(LLAMA_NOTICE)}</p>" if identity.llama else ""
    return f'<footer class="cxr-footer"><p>{escape(kept)}</p>{notice}</footer>'
