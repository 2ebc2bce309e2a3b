"""Files of objects: a list of any length piece by piece, and whatever is none in a sentence."""

import json
import tracemalloc
from pathlib import Path

import pytest

from cxr.results import CxrError
from cxr.training.data import Notes
from cxr.training.object_files import CHUNK, MAX_OBJECT, read_lines, read_list


@pytest.mark.parametrize("separator", [", ", ",\n  ", " "])
@pytest.mark.parametrize("brackets", ["[]", "  "])
def test_a_list_is_read_across_the_ends_of_what_is_read_at_once(tmp_path: Path, separator: str, brackets: str) -> None:
    objects = [{"image": f"{i}.png", "report": 'é]}\\",' * (i % 40)} for i in range(2000)]
    path = tmp_path / "dataset.json"
    path.write_text(brackets[0] + separator.join(map(json.dumps, objects)) + brackets[1] + "\n", encoding="utf-8")
    assert path.stat().st_size > 3 * CHUNK
    assert [data for _, data in read_list(path)] == objects


@pytest.mark.parametrize("text", ["[", '[{"image": "a.png"}', '[{"image": "a.png"} nonsense]', "{", "nonsense", '["'])
def test_a_broken_list_says_where(tmp_path: Path, text: str) -> None:
    path = tmp_path / "dataset.json"
    path.write_text(text)
    with pytest.raises(CxrError, match=r"dataset.json is no list of films in JSON; it breaks after film \d"):
        list(read_list(path))


def test_an_object_without_end_is_not_read_to_the_end(tmp_path: Path) -> None:
    path = tmp_path / "dataset.json"
    path.write_text('[{"report": "' + "x" * (8 * MAX_OBJECT))
    tracemalloc.start()
    with pytest.raises(CxrError):
        list(read_list(path))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5 * MAX_OBJECT


def test_a_long_list_does_not_sit_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "dataset.json"
    line = json.dumps({"image": "a.png", "label": "Mass", "report": "x" * 400})
    path.write_text("[" + ",\n".join([line] * 20_000) + "]")
    assert path.stat().st_size > 8 << 20
    tracemalloc.start()
    assert sum(1 for _ in read_list(path)) == 20_000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20


@pytest.mark.parametrize("rest", ['{"image": "b.png"}', "]", "[1]", " " * 2 * CHUNK + "x"])
def test_what_follows_a_list_is_not_passed_over(tmp_path: Path, rest: str) -> None:
    path = tmp_path / "dataset.json"
    path.write_text('[{"image": "a.png"}]\n\n')
    assert len(list(read_list(path))) == 1
    path.write_text(f'[{{"image": "a.png"}}]\n{rest}')
    with pytest.raises(CxrError, match=r"goes on after the list of films, which ends after film 1\."):
        list(read_list(path))


@pytest.mark.parametrize("count", [1, 100_000])
def test_an_object_that_holds_the_list_is_told_what_is_expected(tmp_path: Path, count: int) -> None:
    path = tmp_path / "dataset.json"
    path.write_text(json.dumps({"version": 1, "films": [{"image": "a.png"}] * count}))
    with pytest.raises(CxrError, match=r"is no list of films in JSON.*Expected is a list, \[\{"):
        list(read_list(path))


def test_objects_without_brackets_are_films_still(tmp_path: Path) -> None:
    objects = [{"image": "a.png", "tags": [{}]}, {"findings": [{"finding": "mass"}]}]
    path = tmp_path / "dataset.json"
    path.write_text(" ".join(map(json.dumps, reversed(objects))))
    assert [data for _, data in read_list(path)] == objects[::-1]


@pytest.mark.parametrize(
    ("encoding", "named"),
    [("latin-1", "Latin-1"), ("utf-16", "UTF-16"), ("utf-16-le", "UTF-16"), ("utf-16-be", "UTF-16")],
)
@pytest.mark.parametrize("report", ["Erguß", "Effusion"])
def test_another_encoding_is_named_and_spoils_no_report(tmp_path: Path, encoding: str, named: str, report: str) -> None:
    for name in ("dataset.json", "films.jsonl"):
        path, data = tmp_path / name, {"image": "a.png", "report": report}
        text = json.dumps([data] if name.endswith("json") else data, ensure_ascii=False)
        path.write_bytes(text.encode(encoding))
        objects = read_list(path) if name.endswith("json") else read_lines(path, Notes())
        if encoding == "latin-1" and report.isascii():  # is UTF-8 as well
            assert [item for _, item in objects] == [data]
            continue
        with pytest.raises(CxrError, match=rf"{name} is not in UTF-8 but, as it seems, in {named}"):
            list(objects)
