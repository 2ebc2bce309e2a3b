"""The checks that are made on demand, and the marks in a report: their parts, events and words on the page.

Nothing is kept. What a check says is of the film that was looked at when it was asked for.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby
from typing import Any

import gradio as gr

from cxr.checks import write_reasons
from cxr.findings import find_finding
from cxr.probes import Dependence
from cxr.prompts import join_words
from cxr.results import CxrError, Report, write_percent
from cxr.sides import SideCheck
from cxr.space import views
from cxr.space.desk import Desk
from cxr.space.faults import guard
from cxr.space.visit import Changes, Latest, Studied, Visit, find_seen, need_visit

NO_QUESTION = "Please ask a question first; then it can be asked of a blank film, too."
NO_SIDE = "No finding with a side was seen or left open on this film, so there is no side to check."
HOW_BLANK = "The same questions were asked of a blank grey film. What barely moves says little about this film."
HOW_MIRRORED = "The film was mirrored and asked again: a side that is really seen must change with it."


@dataclass(frozen=True)
class CheckParts:
    """Two buttons under the findings, one under the chat, and what they say."""

    depends: gr.Button
    sides: gr.Button
    film_said: gr.HTML
    answer_depends: gr.Button
    answer_said: gr.HTML

    @property
    def everything(self) -> list[Any]:
        """All of them, as events list their outputs."""
        return [self.depends, self.sides, self.film_said, self.answer_depends, self.answer_said]


def lay_out_film_checks() -> tuple[gr.Button, gr.Button, gr.HTML]:
    """The buttons under the findings."""
    with gr.Row(elem_classes="cxr-ready"):
        depends = gr.Button("Does this depend on the film?", size="md", min_width=180, interactive=False)
        sides = gr.Button("Check left and right", size="md", min_width=140, interactive=False)
    return depends, sides, gr.HTML(visible=False, padding=False)


def lay_out_answer_check() -> tuple[gr.Button, gr.HTML]:
    """The button under the chat."""
    depends = gr.Button("Does the last answer depend on the film?", size="md", interactive=False)
    return depends, gr.HTML(visible=False, padding=False)


def rest_checks(parts: CheckParts, open_film: bool) -> Changes:
    """Nothing is said yet; whether there is a film that can be checked."""
    buttons = (parts.depends, parts.sides, parts.answer_depends)
    said = {part: gr.HTML(value="", visible=False) for part in (parts.film_said, parts.answer_said)}
    return {**said, **{button: gr.Button(interactive=open_film) for button in buttons}}


class Checking:
    """The events of the checks over one desk."""

    def __init__(self, desk: Desk, parts: CheckParts, latest: Latest) -> None:
        self._desk = desk
        self._parts = parts
        self._latest = latest

    def wire(self, film: Any, chat: gr.Chatbot, how: dict[str, Any]) -> list[Any]:
        """Which button calls what; the events, which another film must stop."""
        seen, parts = [film.visit, film.studied], self._parts
        how = {**how, "show_progress": "full"}
        return [
            parts.depends.click(self.ask_blank_findings, seen, parts.film_said, **how),
            parts.sides.click(self.ask_mirrored, seen, parts.film_said, **how),
            parts.answer_depends.click(self.ask_blank_question, [*seen, chat], parts.answer_said, **how),
        ]

    @guard
    def ask_blank_findings(self, visit: Visit | None, studied: Studied | None, request: gr.Request) -> Changes:
        """Ask for the findings of a blank film."""
        found = self._desk.check_findings(find_seen(visit, studied))
        return self._say(self._parts.film_said, show_dependences(found), visit, request)

    @guard
    def ask_mirrored(self, visit: Visit | None, studied: Studied | None, request: gr.Request) -> Changes:
        """Ask for the sides of the mirrored film."""
        found = self._desk.check_sides(find_seen(visit, studied))
        return self._say(self._parts.film_said, show_sides(found), visit, request)

    @guard
    def ask_blank_question(
        self, visit: Visit | None, studied: Studied | None, messages: list[dict[str, Any]], request: gr.Request
    ) -> Changes:
        """Ask the last question of a blank film."""
        seen, turns = find_seen(visit, studied), views.read_turns(messages)
        if not turns:
            raise CxrError(NO_QUESTION)
        found = self._desk.check_answer(seen, turns[-1].question, turns[:-1])
        return self._say(self._parts.answer_said, show_answer_dependence(found), visit, request)

    def _say(self, part: gr.HTML, text: str, visit: Visit | None, request: gr.Request) -> Changes:
        gone = self._latest.is_gone(request, need_visit(visit))
        return {} if gone else {part: gr.HTML(value=text, visible=True)}


def show_marks(report: Report) -> str:
    """The marked sentences of a report with their reasons; nothing where there are none."""
    rows = []
    for (start, end), some in groupby(report.marks, key=lambda mark: (mark.start, mark.end)):
        rows.append(f"<li><mark>{escape(report.text[start:end])}</mark> {escape(write_reasons([*some]))}</li>")
    if not rows:
        return ""
    title = "1 sentence is marked: do not rely on it"
    if len(rows) > 1:
        title = f"{len(rows)} sentences are marked: do not rely on them"
    return _show("attention", title, f"<ul>{''.join(rows)}</ul>")


def show_dependences(found: Sequence[Dependence]) -> str:
    """Which of the findings' probabilities owe something to the film, and all of them beside those of a blank one."""
    still = [find_finding(item.asked).noun for item in found if not item.depends]
    count = len(found) - len(still)
    title = f"{count} of {len(found)} probabilities depend on this film"
    words = (
        f"<p>These barely move, so they say little about it: {escape(join_words(still, 'and'))}.</p>" if still else ""
    )
    rows = "".join(
        f'<tr><th scope="row">{escape(find_finding(item.asked).name)}</th><td>{_share(item.probability)}</td>'
        f"<td>{_share(item.blank_probability)}</td><td>{'yes' if item.depends else 'barely'}</td></tr>"
        for item in found
    )
    head = "".join(f'<th scope="col">{text}</th>' for text in ("Finding", "This film", "Blank film", "Depends"))
    table = f'<table class="cxr-check"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'
    return _show("attention" if still else "none", title, f"{words}{table}{_small(HOW_BLANK)}")


def show_sides(found: Sequence[SideCheck]) -> str:
    """Whether the sides change with the film's."""
    if not found:
        return _show("none", "No side to check", f"<p>{escape(NO_SIDE)}</p>")
    unsure = sum(not item.sure for item in found)
    title = f"{unsure} of {len(found)} sides unsure" if unsure else "Every side changes with the film, as it must"
    rows = "".join(f"<li>{'' if item.sure else '<mark>unsure</mark> '}{escape(item.sentence)}</li>" for item in found)
    return _show("attention" if unsure else "none", title, f"<ul>{rows}</ul>{_small(HOW_MIRRORED)}")


def show_answer_dependence(found: Dependence) -> str:
    """Whether an answer depends on the film."""
    title = "The answer depends on the film" if found.depends else "The answer hardly depends on the film"
    asked = f"<p>You asked: {escape(found.asked)}</p>"
    blank = f"<p>Of a blank grey film: {escape(found.blank_answer)}</p>"
    return _show("none" if found.depends else "attention", title, f"{asked}<p>{escape(found.sentence)}</p>{blank}")


def _show(level: str, title: str, body: str) -> str:
    return f'<section class="cxr-level cxr-level-{level}" role="status"><h2>{escape(title)}</h2>{body}</section>'


def _small(text: str) -> str:
    return f'<p class="cxr-small">{escape(text)}</p>'


def _share(probability: float | None) -> str:
    return "–" if probability is None else escape(write_percent(probability))
