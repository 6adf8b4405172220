"""What the deaths of workers say of a job."""

from __future__ import annotations

import pytest

from clx_jupyter.jobs import Job, JobState


@pytest.mark.fault(12)
@pytest.mark.parametrize(
    ("deaths", "alone", "hopeless"),
    [
        ((4,), False, False),
        ((4, 4), True, False),
        ((4, 5), False, False),
        ((4, 4, 4), True, True),
        ((4, 4, 5), False, False),
        ((4, 5, 4), False, False),
        ((4, 5, 5, 5), True, True),
        ((None, None, None), True, True),
        ((4, 5, 6) * 3, False, False),
        ((4, 5) * 5, False, True),
    ],
)
def test_two_deaths_at_one_cell_make_a_suspect_and_three_there_or_ten_in_all_are_the_end(
    deaths: tuple[int | None, ...], alone: bool, hopeless: bool
) -> None:
    job = Job(1, "b", "notebook", "0:a.py", "a.py", JobState.QUEUED, 0, 0.0, len(deaths), deaths, {})
    assert (job.alone, job.hopeless) == (alone, hopeless)
