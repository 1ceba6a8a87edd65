"""Files of structures as real programs write them, and as they break."""

import gzip
import struct

import numpy as np
import pytest

from glassbench.contract.errors import SourceError
from glassbench.datasets.formats import read_frames, read_structures, write_columns

EDGES = np.array([6.0, 5.0, 7.0])
COUNT = 40


@pytest.fixture
def glass() -> dict[str, np.ndarray]:
    generator = np.random.default_rng(3)
    images = generator.integers(-2, 3, (COUNT, 3))
    inside = generator.uniform(0, 1, (COUNT, 3)) * EDGES
    return {
        "inside": inside,
        "images": images,
        "absolute": inside + images * EDGES,
        "species": (generator.random(COUNT) < 0.3).astype(np.int8),
        "ids": generator.permutation(3 * COUNT)[:COUNT] + 5,
    }


def dump_text(
    glass, names: str, low=(0.0, 0.0, 0.0), step: int = 0, bounds="BOX BOUNDS pp pp pp", tilt=""
) -> str:
    """Return one frame of a dump with these columns."""
    low = np.array(low)
    x, xu = glass["inside"] + low, glass["absolute"] + low
    columns = {"id": glass["ids"], "type": glass["species"] + 1, "element": glass["labels"]}
    for k, a in enumerate("xyz"):
        columns |= {a: x[:, k], f"{a}u": xu[:, k], f"i{a}": glass["images"][:, k]}
        columns |= {f"{a}s": glass["inside"][:, k] / EDGES[k]}
        columns |= {f"{a}su": glass["absolute"][:, k] / EDGES[k]}
    rows = zip(*(columns[name] for name in names.split()), strict=True)
    edges = "\n".join(f"{a!r} {b!r}{tilt}" for a, b in zip(low.tolist(), (low + EDGES).tolist()))
    body = "\n".join(" ".join(str(v) for v in row) for row in rows)
    head = f"ITEM: TIMESTEP\n{step}\nITEM: NUMBER OF ATOMS\n{COUNT}\nITEM: {bounds}\n{edges}\n"
    return f"{head}ITEM: ATOMS {names}\n{body}\n"


@pytest.fixture(autouse=True)
def named(glass):
    glass["labels"] = np.array(["A", "B"])[glass["species"]]


@pytest.mark.parametrize(
    ("names", "unwrapped"),
    [
        ("id type x y z", False),
        ("id element x y z ix iy iz", True),
        ("type id xs ys zs ix iy iz", True),
        ("id type xs ys zs", False),
        ("id type xu yu zu", True),
        ("id element type xsu ysu zsu", True),
    ],
)
def test_every_form_of_coordinates_in_a_dump_is_the_same_glass(tmp_path, glass, names, unwrapped):
    path = tmp_path / "glass.dump"
    path.write_text(dump_text(glass, names, low=(-3.0, 1.0, 0.25)))
    (frame,) = read_frames(path)
    order = np.argsort(glass["ids"])
    where = glass["absolute" if unwrapped else "inside"][order]
    np.testing.assert_allclose(frame.positions, where, atol=1e-12)
    assert frame.unwrapped is unwrapped
    assert frame.ids.tolist() == sorted(glass["ids"])
    (structure,) = read_structures(path)
    assert structure.species.tolist() == glass["species"][order].tolist()
    np.testing.assert_allclose(structure.positions, glass["inside"][order], atol=1e-12)
    assert (structure.positions >= 0).all() and (structure.positions < structure.box).all()


def test_a_column_is_written_to_the_row_of_its_particle(tmp_path, glass):
    path, out = tmp_path / "glass.dump.gz", tmp_path / "out" / "with.dump.gz"
    text = dump_text(glass, "id type x y z") + dump_text(glass, "id type x y z", step=10)
    path.write_bytes(gzip.compress(text.encode()))
    frames = read_frames(path)
    columns = [
        {"value": frame.ids * 0.5, "step": frame.ids * 0.0 + frame.number} for frame in frames
    ]
    write_columns(path, out, frames, columns)
    lines = gzip.decompress(out.read_bytes()).decode().splitlines()
    assert lines[8] == "ITEM: ATOMS id type x y z value step"
    for row, before in zip(lines[9 : 9 + COUNT], text.splitlines()[9 : 9 + COUNT], strict=True):
        identifier, *_, value, _ = row.split()
        assert float(value) == int(identifier) * 0.5
        assert row.startswith(before)
    with pytest.raises(SourceError, match="is the file that is read"):
        write_columns(path, path, frames, columns)
    (again, _) = read_frames(out)
    np.testing.assert_array_equal(again.positions, frames[0].positions)


def test_what_is_wrong_is_named_with_its_frame_and_the_others_are_kept(tmp_path, glass):
    path = tmp_path / "glass.dump"
    whole = dump_text(glass, "id type x y z")
    broken = (
        dump_text(glass, "id type x y z", step=1)
        .replace(" 1 ", " one ", 1)
        .replace(f"{glass['inside'][4, 0]}", "0.1.2", 1)
    )
    path.write_text(whole + broken + whole + whole[:-60])
    said = []
    frames = read_frames(path, said.append)
    assert [frame.number for frame in frames] == [0, 2]
    assert len(said) == 2
    assert f"{path}, frame 1: its rows cannot be read" in said[0]
    assert "0.1.2" in said[0]
    assert f"{path}, frame 3: it is cut off" in said[1]
    with pytest.raises(SourceError, match="frame 1"):
        read_frames(path)
    packed = tmp_path / "cut.dump.gz"
    other = dump_text(glass, "id type xu yu zu")
    packed.write_bytes(gzip.compress((whole + other).encode(), mtime=0)[:-400])
    assert len(read_frames(packed, said.append)) == 1


@pytest.mark.parametrize(
    ("bounds", "tilt", "said"),
    [
        ("BOX BOUNDS xy xz yz pp pp pp", " 0.5", "triclinic"),
        ("BOX BOUNDS pp ff pp", "", "not periodic along y"),
        ("BOX BOUNDS abc origin", "", "triclinic"),
    ],
)
def test_boxes_that_cannot_be_used_are_refused(tmp_path, glass, bounds, tilt, said):
    path = tmp_path / "glass.dump"
    path.write_text(dump_text(glass, "id type x y z", bounds=bounds, tilt=tilt))
    with pytest.raises(SourceError, match=said):
        read_structures(path)


def test_a_box_of_no_tilt_is_taken(tmp_path, glass):
    path = tmp_path / "glass.dump"
    path.write_text(
        dump_text(glass, "id type x y z", bounds="BOX BOUNDS xy xz yz pp pp pp", tilt=" 0")
    )
    assert len(read_structures(path)) == 1


def test_labels_are_understood_or_asked_for(tmp_path, glass):
    path = tmp_path / "glass.dump"
    path.write_text(
        dump_text(glass, "id element x y z").replace(" A ", " Cu ").replace(" B ", " Zr ")
    )
    with pytest.raises(SourceError, match=r"called Cu, Zr; `Cu` is not known.*species=Cu:A,Zr:B"):
        read_structures(path)
    (metal,) = read_structures(path, species=("Cu", "Zr"))
    (named,) = read_structures(path, called={"Cu": "B", "Zr": "A"})
    assert (metal.species == 1 - named.species).all()
    # LAMMPS calls every element that it was not told C.
    path.write_text(
        dump_text(glass, "id element type x y z").replace(" A ", " C ").replace(" B ", " C ")
    )
    (structure,) = read_structures(path)
    assert structure.species.sum() == glass["species"].sum()
    with pytest.raises(SourceError, match="numbered 1, 2, and there are 1: A"):
        read_structures(path, species=("A",))


def extended_xyz(glass, comment: str) -> str:
    rows = (
        f"{label} {' '.join(map(repr, x.tolist()))} {n}"
        for label, x, n in zip(glass["labels"], glass["absolute"], range(COUNT))
    )
    return f"{COUNT}\n{comment}\n" + "\n".join(rows) + "\n"


LATTICE = 'Lattice="6 0 0 0 5 0 0 0 7"'
PROPERTIES = "Properties=species:S:1:pos:R:3:vibrational_msd:R:1"


def test_extended_xyz_is_read_and_written(tmp_path, glass):
    path, out = tmp_path / "glass.xyz", tmp_path / "with.xyz"
    text = extended_xyz(glass, f'{LATTICE} {PROPERTIES} pbc="T T T" note="it\'s a: b" T=0.5')
    path.write_text(text + text)
    frames = read_frames(path)
    assert frames[0].facts["T"] == 0.5
    (structure, _) = read_structures(path)
    np.testing.assert_allclose(structure.positions, glass["inside"], atol=1e-12)
    assert structure.dynamics["vibrational_msd"].tolist() == list(range(COUNT))
    write_columns(path, out, frames[1:], [{"propensity": np.arange(COUNT) / 3}])
    lines = out.read_text().splitlines()
    assert len(lines) == COUNT + 2
    assert f"{PROPERTIES}:propensity:R:1" in lines[1] and 'note="it\'s a: b"' in lines[1]
    assert lines[-1] == f"{text.splitlines()[-1]} 13"


def test_extended_xyz_that_lacks_its_box_is_refused(tmp_path, glass):
    path = tmp_path / "glass.xyz"
    for comment, said in (
        ("a comment", "lacks `Lattice"),
        (f'Lattice="6 0 0 1 5 0 0 0 7" {PROPERTIES}', "triclinic"),
        (f'{LATTICE} {PROPERTIES} pbc="T T F"', "not periodic along z"),
    ):
        path.write_text(extended_xyz(glass, comment))
        with pytest.raises(SourceError, match=said):
            read_structures(path)
    path.write_text(extended_xyz(glass, f"{LATTICE} {PROPERTIES}")[:-50])
    with pytest.raises(SourceError, match="cut off"):
        read_structures(path)


def test_ase_reads_what_is_written_and_writes_what_is_read(tmp_path, glass):
    io = pytest.importorskip("ase.io")
    from ase import Atoms

    atoms = Atoms(np.array(["Cu", "Zr"])[glass["species"]], glass["absolute"], cell=EDGES, pbc=True)
    path, out = tmp_path / "metal.extxyz", tmp_path / "with.extxyz"
    io.write(path, [atoms, atoms])
    frames = read_frames(path)
    np.testing.assert_allclose(frames[1].positions, glass["absolute"], atol=1e-7)
    write_columns(path, out, frames, [{"d2min": np.arange(COUNT) * 1.5}] * 2)
    read = io.read(out, index=1)
    np.testing.assert_array_equal(read.arrays["d2min"], np.arange(COUNT) * 1.5)
    np.testing.assert_array_equal(read.positions, io.read(path).positions)


def test_gsd_is_read_and_written(tmp_path, glass):
    hoomd = pytest.importorskip("gsd.hoomd")
    path, out = tmp_path / "glass.gsd", tmp_path / "with.gsd"
    frame = hoomd.Frame()
    frame.particles.N = COUNT
    frame.particles.types = ["B", "A"]
    frame.particles.typeid = 1 - glass["species"]
    frame.particles.position = glass["inside"] - EDGES / 2
    frame.particles.image = glass["images"]
    frame.configuration.box = [*EDGES, 0, 0, 0]
    with hoomd.open(str(path), "w") as file:
        file.append(frame)
        frame.configuration.step = 7
        file.append(frame)
    frames = read_frames(path)
    np.testing.assert_allclose(frames[1].positions, glass["absolute"], atol=1e-5)
    (structure, _) = read_structures(path)
    assert (structure.species == glass["species"]).all()
    # Rounded to float32, a particle may come to stand on the face itself.
    assert (structure.positions >= 0).all() and (structure.positions < structure.box).all()
    write_columns(path, out, frames, [{"propensity": np.arange(COUNT) + 0.5}] * 2)
    with hoomd.open(str(out), "r") as file:
        assert len(file) == 2 and file[1].configuration.step == 7
        assert file[1].log["particles/propensity"].tolist() == (np.arange(COUNT) + 0.5).tolist()
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(SourceError, match=r"glass\.gsd"):
        read_frames(path)


def test_arrays_are_read_and_written(tmp_path, glass):
    path, out = tmp_path / "glass.npz", tmp_path / "with.npz"
    several = np.stack([glass["absolute"], glass["inside"]])
    np.savez(path, positions=several, species=glass["species"], box=EDGES, cage_positions=several)
    frames = read_frames(path)
    assert len(frames) == 2
    (first, _) = read_structures(path)
    np.testing.assert_allclose(first.cage_positions, glass["inside"], atol=1e-12)
    write_columns(path, out, frames, [{"x": np.arange(COUNT)}] * 2)
    with np.load(out) as file:
        assert file["x"].shape == (2, COUNT) and (file["positions"] == several).all()
    np.savez(path, positions=several, species=glass["species"])
    with pytest.raises(SourceError, match="has no array `box`: it has positions, species"):
        read_frames(path)
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(SourceError, match=r"no \.npz of plain arrays"):
        read_frames(path)


def test_a_flat_layer_is_read_in_two_dimensions(tmp_path, glass):
    path = tmp_path / "layer.dump"
    text = dump_text(glass, "id type x y")
    path.write_text(text)
    assert read_structures(path)[0].positions.shape == (COUNT, 2)
    with pytest.raises(SourceError, match="has 2 dimensions, 3 are wanted"):
        read_structures(path, dimension=3)
    glass["inside"][:, 2] = 0.0
    path.write_text(dump_text(glass, "id type x y z", bounds="BOX BOUNDS pp pp ff"))
    assert read_structures(path, dimension=2)[0].box.tolist() == [6.0, 5.0]
    glass["inside"][0, 2] = 1.0
    path.write_text(dump_text(glass, "id type x y z"))
    with pytest.raises(SourceError, match="no flat layer"):
        read_structures(path, dimension=2)


def test_other_files_are_refused_in_one_line(tmp_path):
    for name, content, said in (
        ("a.dcd", b"\0\1\2", "no format that can be read"),
        ("a.dump", b"", "holds no frame"),
        ("a.dump", b"ITEM: TIMESTEP\n0\n", "cut off within its header"),
        ("a.dump", struct.pack("5d", *range(5)), "glass"),
        ("a.xyz", b"hello\n", "does not begin with a number"),
        ("a.npz", b"hello", "no .npz of plain arrays"),
    ):
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(SourceError) as caught:
            read_frames(path)
        assert said in str(caught.value) or said == "glass"
        assert str(path) in str(caught.value) and "\n" not in str(caught.value)
    with pytest.raises(SourceError, match="is not there"):
        read_frames(tmp_path / "none.dump")
