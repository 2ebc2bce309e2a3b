"""A report's sentences, each once."""

from cxr.model.sentences import list_sentences


def test_headings_are_no_sentences_and_each_comes_once() -> None:
    report = "Findings: There is a mass of 3.5 cm. No effusion.\n\n**Impression:** A mass. No effusion. No pneumo"
    assert list_sentences(report) == ("There is a mass of 3.5 cm.", "No effusion.", "A mass.", "No pneumo")
    assert list_sentences("A mass. [Doubtful: the classification is not sure of a mass.] No edema.") == (
        "A mass.",
        "No edema.",
    )
    assert list_sentences("") == list_sentences("Findings: . Impression:") == ()
