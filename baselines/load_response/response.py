"""The response of a glass to a small strain along its load, particle by particle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import partial

import numpy as np

from glassbench.model import Structure
from glassbench.potentials import Interaction
from glassbench.structure import (
    Pairs,
    cage_compliance,
    displacements_under_forces,
    neighbour_pairs,
)

AFFINE_STEP = 1e-5  # strain of the finite difference that gives the forces of an affine strain
PATH_STEP = 1e-3  # strain between the points at which the energy along the response is taken
SOFTENING_STEP = 5e-4  # of the strain, for what it changes in the compliance
SMALLEST = 1e-12  # below what has a meaning; keeps a logarithm finite


@dataclass(frozen=True, eq=False)
class Unloaded:
    """What of the response needs no load: all loads of a sample are combinations of it.

    Attributes
    ----------
    displacements, forces : (N, d, B), the non-affine field u and its forces Xi for each strain
        of `shear_strains`, per unit of strain
    scalars : (N, 3), energy, trace of the Hessian's block, species
    softenings : (N, B), d ln tr C / d gamma of a cage's compliance C, 0 where not asked for
    compliances : (N, R, d, d) in frozen cages of R radii
    """

    displacements: np.ndarray
    forces: np.ndarray
    scalars: np.ndarray
    softenings: np.ndarray
    compliances: np.ndarray

    def packed(self) -> np.ndarray:
        """Return all of it as one array (N, F), which can be kept on disk."""
        parts = [getattr(self, field.name) for field in fields(self)]
        return np.concatenate([part.reshape(len(part), -1) for part in parts], axis=1)

    @classmethod
    def unpacked(cls, array: np.ndarray, dimension: int) -> Unloaded:
        """Return what `packed` made an array of."""
        d, strains = dimension, len(shear_strains(dimension))
        shapes = (d, strains), (d, strains), (3,), (strains,), (-1, d, d)
        ends = np.cumsum([int(np.prod(shape)) for shape in shapes[:-1]])
        parts = np.split(array, ends, axis=1)
        return cls(*(p.reshape(len(p), *shape) for p, shape in zip(parts, shapes, strict=True)))


def shear_strains(dimension: int) -> np.ndarray:
    """Return strains of which every one without a change of volume is a sum: (B, d, d).

    Symmetric: e_a e_b for a < b, and e_a e_a - e_d e_d.
    """
    rows, columns = np.triu_indices(dimension)
    strains = np.zeros((len(rows), dimension, dimension))
    strains[np.arange(len(rows)), rows, columns] += 0.5
    strains[np.arange(len(rows)), columns, rows] += 0.5
    strains[rows == columns, -1, -1] -= 1
    return strains[:-1]


def components(strain: np.ndarray) -> np.ndarray:
    """Return the shares (B,) of the `shear_strains` in a symmetric strain without a trace."""
    rows, columns = np.triu_indices(len(strain))
    return (np.where(rows == columns, 1, 2) * strain[rows, columns])[:-1]


def load_strain(frame: np.ndarray) -> np.ndarray:
    """Return the strain of a unit shear, (s n + n s) / 2, s direction and n normal: (d, d)."""
    return (np.outer(frame[0], frame[1]) + np.outer(frame[1], frame[0])) / 2


def unloaded_response(
    structure: Structure,
    system: Interaction,
    cage_radii: Sequence[float],
    softening_radius: float = 0.0,
) -> Unloaded:
    """Return u = H^-1 Xi for every strain, and measures of the unstrained minimum.

    Xi = d f / d gamma is the change of the forces when all particles follow the strain, H the
    Hessian. Softenings are those of cages of `softening_radius`, where that is above 0.
    """
    positions, box, species = structure.positions, structure.box, structure.species
    count, dimension = positions.shape
    pairs = neighbour_pairs(positions, box, system.cutoff).undirected()
    ends = species, pairs.senders, pairs.receivers
    hessian = system.hessian(*ends, pairs.vectors)
    forces = []
    for strain in shear_strains(dimension):
        after, before = (
            system.forces(*ends, pairs.vectors @ (np.eye(dimension) + step * strain))
            for step in (AFFINE_STEP, -AFFINE_STEP)
        )
        forces.append((after - before) / (2 * AFFINE_STEP))
    forces = np.stack(forces, axis=2)
    displacements = displacements_under_forces(hessian, forces.reshape(count * dimension, -1))
    displacements = displacements.reshape(forces.shape)
    displacements -= displacements.mean(axis=0)
    softenings = np.zeros((count, forces.shape[2]))
    for index, strain in enumerate(shear_strains(dimension) if softening_radius > 0 else ()):
        stretch = _stretch(pairs, strain, displacements[:, :, index])
        on, back = (
            cage_compliance(
                system.hessian(*ends, pairs.vectors + step * stretch),
                positions,
                box,
                softening_radius,
            )
            for step in (SOFTENING_STEP, -SOFTENING_STEP)
        )
        ratio = _log(np.trace(on, axis1=1, axis2=2)) - _log(np.trace(back, axis1=1, axis2=2))
        softenings[:, index] = ratio / (2 * SOFTENING_STEP)
    stiffness = hessian.diagonal().reshape(count, dimension).sum(axis=1)
    return Unloaded(
        displacements=displacements,
        forces=forces,
        scalars=np.stack([system.energies(*ends, pairs.vectors), stiffness, species], axis=1),
        softenings=softenings,
        compliances=np.stack(
            [cage_compliance(hessian, positions, box, radius) for radius in cage_radii], axis=1
        ),
    )


def response_measures(
    unloaded: Unloaded, structure: Structure, system: Interaction, strain_radius: float
) -> dict[str, np.ndarray]:
    """Return measures (N,) of the response to the load, by group and name `group.name`.

    None changes when structure and load are turned or mirrored together. Those of `change`,
    `cage.along` and `softening.change` are odd in the load, and tell it from the opposite one;
    all others are even.
    """
    strain = load_strain(np.asarray(structure.frame))
    shear, normal = np.asarray(structure.frame)[:2]
    along_load = components(strain)
    u, xi = unloaded.displacements @ along_load, unloaded.forces @ along_load
    pairs = neighbour_pairs(structure.positions, structure.box, strain_radius)
    local, residual = local_strain(pairs, _stretch(pairs, strain, u))
    symmetric, turning = (local + local.swapaxes(1, 2)) / 2, local - local.swapaxes(1, 2)
    dilation = np.trace(symmetric, axis1=1, axis2=2)
    size = np.eye(len(strain)) / len(strain)
    deviator = symmetric - dilation[:, None, None] * size
    sheared = np.einsum("nij,ij->n", symmetric, strain) / (strain**2).sum()
    across = symmetric @ shear @ shear - symmetric @ normal @ normal
    slope, bend, twist, stress = _energies_along(structure, system, strain, u)
    energy, stiffness, species = unloaded.scalars.T
    measures = {
        "state.energy": energy,
        "state.stiffness": stiffness,
        "state.species": species,
        "response.displacement": _log(_square(u)),
        "response.force": _log(_square(xi)),
        "response.d2min": _log(residual),
        "response.strain": _log(_square(deviator)),
        "response.shear": np.arcsinh(sheared),
        "response.shear_size": np.log(np.abs(sheared) + 0.1),
        "response.dilation": np.log(np.abs(dilation) + 0.05),
        "response.rotation": np.log(np.sqrt(_square(turning)) + 0.1),
        "response.across": np.log(np.abs(across) + 0.1),
        "response.bend": np.arcsinh(bend / np.std(bend)),
        "change.dilation": np.arcsinh(3 * dilation),
        "change.energy": np.arcsinh(slope / np.std(slope)),
        "change.stress": np.arcsinh(stress / np.std(stress)),
        "change.twist": np.arcsinh(twist / np.std(twist)),
    }
    softening = unloaded.softenings @ along_load
    measures |= {
        "softening.change": np.arcsinh(softening / 20),
        "softening.size": np.log(np.abs(softening) + 10),
    }
    for index in range(unloaded.compliances.shape[1]):
        compliance = unloaded.compliances[:, index]
        trace = np.trace(compliance, axis1=1, axis2=2)
        relative = compliance / trace[:, None, None]
        measures |= {
            f"cage.compliance_{index}": _log(trace),
            f"cage.anisotropy_{index}": _square(relative - size),
            f"cage.along_{index}": relative @ shear @ normal,
        }
    return measures


def local_strain(pairs: Pairs, stretch: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the strains F (N, d, d) that fit best around each particle, and what is left (N,).

    min_F sum_j |stretch_ij - F r_ij|^2 (Falk & Langer 1998), F_ab = d u_a / d x_b
    """
    count = pairs.particles
    total = partial(np.bincount, pairs.receivers, minlength=count)
    columns, stretches = pairs.vectors.T, stretch.T
    shape = count, len(columns), len(columns)
    moments = np.stack([total(a * b) for a in columns for b in columns], 1).reshape(shape)
    mixed = np.stack([total(s * b) for s in stretches for b in columns], 1).reshape(shape)
    strain = mixed @ np.linalg.pinv(moments, rcond=1e-10, hermitian=True)
    left = stretch - np.einsum("pab,pb->pa", strain[pairs.receivers], pairs.vectors)
    return strain, total((left**2).sum(axis=1))


def _energies_along(
    structure: Structure, system: Interaction, strain: np.ndarray, u: np.ndarray
) -> tuple[np.ndarray, ...]:
    """Return derivatives 1, 2, 3 of local energies along the response; 1 along the affine one."""
    pairs = neighbour_pairs(structure.positions, structure.box, system.cutoff).undirected()
    stretch, affine = _stretch(pairs, strain, u), pairs.vectors @ strain
    ends, h = (structure.species, pairs.senders, pairs.receivers), PATH_STEP

    def at(move: np.ndarray, steps: int) -> np.ndarray:
        return system.energies(*ends, pairs.vectors + steps * h * move)

    far_back, back, here, on, far_on = (at(stretch, steps) for steps in (-2, -1, 0, 1, 2))
    return (
        (on - back) / (2 * h),
        (on - 2 * here + back) / h**2,
        (far_on - 2 * on + 2 * back - far_back) / (2 * h**3),
        (at(affine, 1) - at(affine, -1)) / (2 * h),
    )


def _stretch(pairs: Pairs, strain: np.ndarray, u: np.ndarray) -> np.ndarray:
    """Return d r_ij / d gamma (P, d): affine and non-affine."""
    return pairs.vectors @ strain + u[pairs.receivers] - u[pairs.senders]


def _square(values: np.ndarray) -> np.ndarray:
    return (values.reshape(len(values), -1) ** 2).sum(axis=1)


def _log(values: np.ndarray) -> np.ndarray:
    return np.log(np.maximum(values, SMALLEST))
