"""What happens when a film is read: findings, report, chat. Nothing is kept but in the visitor's own state."""

from collections.abc import Iterator
from typing import Any

import gradio as gr

from cxr.prompts import clean
from cxr.results import Gate, Mend, Report
from cxr.space import markup, views
from cxr.space.checking import rest_checks, show_marks
from cxr.space.desk import Desk
from cxr.space.faults import guard
from cxr.space.layout import GateParts, Parts, ResultParts
from cxr.space.pace import Pace
from cxr.space.visit import Changes, Latest, Studied, Visit, find_known, find_seen, is_refused, need_visit, send_file

NOT_READ = "This film was not read; the reason is above."
KEPT_MESSAGES = 100  # of a chat; the page sends all of them with every question, and gets them back with every word
MEND_WORDS: dict[Mend | None, str] = {
    "turn left": "Turn it to the left and read it again",
    "turn right": "Turn it to the right and read it again",
    "turn over": "Turn it upside down and read it again",
    "invert": "Invert it and read it again",
}


class Reading:
    """The events of the three tabs over one desk. The parts are where their changes go."""

    def __init__(self, desk: Desk, parts: Parts, latest: Latest) -> None:
        self._desk = desk
        self._latest = latest
        self._pace = Pace()
        self._film = parts.film
        self._results = parts.results
        self._gate = parts.gate
        self._checks = parts.checks
        # By elem_id: once a button has been switched off or on, Gradio hands over a copy of it.
        self._written = {button.elem_id: str(button.value) for button in self._results.ready}

    @guard
    def read_film(self, visit: Visit | None, request: gr.Request) -> Changes:
        """Encode the film and look for the 14 findings; or say why the gate does not let it through."""
        visit = need_visit(visit)
        read = self._desk.read(visit.film)
        if self._latest.is_gone(request, visit):
            return {}
        if isinstance(read, Gate):
            return self._refuse(visit, read)
        study, classification = read
        content = views.write_findings_file(classification, self._desk.identity)
        file = send_file(content, "chest-film-findings.json", "application/json")
        return {
            self._film.studied: Studied(visit.number, study, classification),
            self._film.summary: markup.show_summary(classification),
            self._results.findings: markup.show_findings(classification, self._desk.identity),
            self._results.findings_file: gr.DownloadButton(value=file, visible=True),
            **show_gate(self._gate, study.gate),
            **rest_checks(self._checks, open_film=True),
        }

    def _refuse(self, visit: Visit, gate: Gate) -> Changes:
        """Why the film is not read, and what can be done about it; nothing else can be pressed."""
        return {
            self._film.studied: Studied(visit.number, gate),
            self._film.summary: markup.show_refused_summary(),
            self._results.findings: markup.show_invitation(NOT_READ),
            **show_gate(self._gate, gate),
            **rest(self._results, open_film=False),
            **rest_checks(self._checks, open_film=False),
        }

    @guard
    def write_report(
        self, visit: Visit | None, studied: Studied | None, indication: str | None, request: gr.Request
    ) -> Iterator[Changes]:
        """The report as it is written; the file to download when it is finished."""
        visit = need_visit(visit)
        if self._latest.is_gone(request, visit) or is_refused(visit, studied):
            yield {}  # a stream that ends without a word empties its outputs
            return
        part = self._results.report_file
        notes = self._results.report_notes
        yield {
            self._results.report: "",
            self._results.report_plain: markup.show_plain(""),
            notes: gr.HTML(value="", visible=False),
            part: gr.DownloadButton(value=None, interactive=False),
            **set_writing(self._results, True),
        }
        seen, known = find_seen(visit, studied), find_known(visit, studied)
        for report in self._pace.keep(self._desk.caption(seen, indication or "", known)):
            if self._latest.is_gone(request, visit):
                return
            yield {self._results.report: views.write_report_text(report), **self._offer(report)}

    def _offer(self, report: Report) -> Changes:
        """What comes with a finished report: the file, what to know before it is believed, and rest."""
        if not report.finished:
            return {}
        notes = gr.HTML(
            value=markup.show_notes(report.warnings) + show_marks(report),
            visible=bool(report.warnings or report.marks),
        )
        content = views.write_report_file(report, self._desk.identity)
        file = send_file(content, "chest-film-report.txt", "text/plain;charset=utf-8")
        return {
            self._results.report_file: gr.DownloadButton(value=file, interactive=True),
            self._results.report_notes: notes,
            self._results.report_plain: markup.show_plain(report.plain),
            **set_writing(self._results, False),
        }

    @guard
    def ask(
        self,
        visit: Visit | None,
        studied: Studied | None,
        question: str | None,
        messages: list[dict[str, Any]],
        event: gr.EventData,
        request: gr.Request,
    ) -> Iterator[Changes]:
        """The answer to the question in the box, or on the button that was pressed, as it is written."""
        seen = find_seen(visit, studied) if visit else None  # what a word means needs no film
        asked = clean(self._written.get(getattr(event.target, "elem_id", None), question or ""))
        if not asked:
            yield {self._results.question: ""}
            return
        messages = messages[-KEPT_MESSAGES:]
        chat = [*messages, {"role": "user", "content": views.write_chat_text(asked)}]
        before = {self._checks.answer_said: gr.HTML(value="", visible=False)}  # it was of the answer before
        yield {self._results.chat: chat, self._results.question: "", **before, **set_asking(self._results, True)}
        turns, known = views.read_turns(messages), find_known(visit, studied)
        for answer in self._pace.keep(self._desk.answer(seen, asked, turns, known)):
            if visit and self._latest.is_gone(request, visit):
                return
            rest = set_asking(self._results, False, visit is not None) if answer.finished else {}
            yield {self._results.chat: [*chat, {"role": "assistant", "content": views.write_answer(answer)}], **rest}

    def rest(self, visit: Visit | None, request: gr.Request) -> Changes:
        """What may be pressed now that nothing is being written; nothing of a visit that has ended meanwhile.

        A film that is chosen while something is being written calls that off, which leads here with the visit before;
        said after the new film was refused, it would switch on what it has switched off.
        """
        if visit and self._latest.is_gone(request, visit):
            return {}
        return rest(self._results, open_film=visit is not None)


def show_gate(parts: GateParts, gate: Gate | None) -> Changes:
    """What the gate says, with a button for what can be done about it; None: nothing yet."""
    gate = gate or Gate()
    return {
        parts.panel: gr.HTML(value=markup.show_gate(gate), visible=bool(gate.reasons)),
        parts.mend: gr.Button(value=MEND_WORDS.get(gate.mend, ""), visible=gate.mend is not None),
        parts.anyway: gr.Button(visible=gate.refused),
    }


def rest(results: ResultParts, open_film: bool = True) -> Changes:
    """What may be pressed while nothing is being written, with or without a film."""
    return {**set_writing(results, False, open_film), **set_asking(results, False, open_film)}


def set_writing(results: ResultParts, running: bool, open_film: bool = True) -> Changes:
    """What may be pressed around the report."""
    return {
        results.write: gr.Button(interactive=open_film),
        results.stop_writing: gr.Button(interactive=running),
    }


def set_asking(results: ResultParts, running: bool, open_film: bool = True) -> Changes:
    """What may be pressed around the chat: one question at a time."""
    asking = {part: gr.Button(interactive=open_film and not running) for part in (results.ask, *results.ready)}
    return {**asking, results.stop_asking: gr.Button(interactive=running)}
