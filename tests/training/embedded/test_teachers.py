"""What teachers say stands for the labels of real films, and never for a drawn film's truth."""

import torch

from cxr.training.embedded.batches import Batch
from cxr.training.embedded.teachers import ask, believe
from tests.training.embedded.teacher import Teacher


def test_teachers_are_believed_of_real_films_alone() -> None:
    nothing = torch.zeros(3, 1)
    placed = torch.tensor([0.0, 1.0, 0.0])  # the second is drawn
    batch = Batch(torch.zeros(3, 1, 8, 8), nothing, nothing, nothing, nothing, nothing, nothing, nothing, placed)
    teachers = [Teacher(0.0), Teacher(100.0)]
    torch.testing.assert_close(ask(teachers, batch.images), torch.full((3, 14), 0.75))
    assert believe(batch, teachers).tolist() == [[0.75] * 14, [-1.0] * 14, [0.75] * 14]
