"""Tables of an embedded-atom potential with fewer points hold the same functions."""

import pytest

from glassbench.plugins.registry import load_task
from glassbench.simulation.generator import load_generator

plasticity = load_generator(load_task("cuzr_plasticity"))
eam = plasticity.potential


def write_setfl(path, points, spacing):
    """Write an eam/fs file of one element whose functions are plain lines."""
    density, pair = (
        "\n".join(str(slope * number * spacing) for number in range(points)) for slope in (1, 2)
    )
    header = f"a\nb\nc\n1 Cu\n2 0.5 {points} {spacing} {points * spacing}\n29 63.5 3.6 fcc\n"
    path.write_text(f"{header}0.0\n0.5\n{density}\n{pair}\n")
    return path


def test_every_nth_point_is_kept_and_the_embedding_is_whole(tmp_path):
    fine = write_setfl(tmp_path / "fine", 25, 0.002)
    assert eam.thinning(fine) == (4, 0.008)
    eam.write_thinned(fine, tmp_path / "thin")
    lines = (tmp_path / "thin").read_text().splitlines()
    assert lines[4].split() == ["2", "0.5", "7", "0.0080000000000000002", "0.05"]
    assert lines[5:8] == ["29 63.5 3.6 fcc", "0.0", "0.5"]
    assert [float(line) for line in lines[8:15]] == pytest.approx([0.008 * n for n in range(7)])
    assert [float(line) for line in lines[15:]] == pytest.approx([0.016 * n for n in range(7)])


def test_a_table_that_is_no_finer_stays_as_it_is(tmp_path):
    coarse = write_setfl(tmp_path / "coarse", 5, 0.01)
    assert eam.thinning(coarse) == (1, 0.01)
    eam.write_thinned(coarse, tmp_path / "same")
    assert (tmp_path / "same").read_text().split() == coarse.read_text().split()


def test_a_torn_file_is_named(tmp_path):
    torn = write_setfl(tmp_path / "torn", 25, 0.002)
    torn.write_text("\n".join(torn.read_text().splitlines()[:20]))
    with pytest.raises(ValueError, match="torn ends before its tables"):
        eam.write_thinned(torn, tmp_path / "thin")
