"""What teachers say stands for the labels of real films, and never for a drawn film's truth."""

import torch

from cxr.training.embedded.batches import Batch
from cxr.training.embedded.teachers import ask, believe, unplaced
from tests.training.embedded.teacher import Teacher


def test_teachers_are_believed_of_real_films_alone() -> None:
    maps = torch.full((3, 14, 2, 2), -1.0)
    maps[1, 3] = 0  # a drawn film: of one finding at least its places are known
    nothing = torch.zeros(3, 1)
    batch = Batch(torch.zeros(3, 1, 8, 8), nothing, nothing, nothing, nothing, nothing, nothing, maps)
    assert unplaced(maps).flatten().tolist() == [True, False, True]
    teachers = [Teacher(0.0), Teacher(100.0)]
    torch.testing.assert_close(ask(teachers, batch.images), torch.full((3, 14), 0.75))
    assert believe(batch, teachers).tolist() == [[0.75] * 14, [-1.0] * 14, [0.75] * 14]
