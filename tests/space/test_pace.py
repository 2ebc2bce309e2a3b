"""The pace of streams."""

from collections.abc import Iterator

from cxr.space.pace import ALONE, TOGETHER, Pace


def test_pacing_keeps_the_last_and_closes_what_it_paces() -> None:
    closed = []

    def count() -> Iterator[int]:
        try:
            yield from range(1000)
        finally:
            closed.append(True)

    assert list(Pace(alone=60).keep(count())) == [0, 999]
    assert list(Pace(alone=0, together=1e9).keep(count())) == list(range(1000))
    stream = Pace().keep(count())
    next(stream)
    stream.close()
    assert len(closed) == 3


def test_one_stream_sends_ten_a_second_and_many_share_what_there_is() -> None:
    pace = Pace()
    streams = [pace.keep(iter(range(3))) for _ in range(128)]
    next(streams[0])
    assert pace.pause == ALONE == 0.1
    for stream in streams[1:]:
        next(stream)
    assert pace.pause == 128 / TOGETHER > 0.1  # 128 streams together: TOGETHER updates a second
    for stream in streams:
        stream.close()
    assert pace.pause == ALONE
