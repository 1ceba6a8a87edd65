"""What surrounds a particle: neighbours in a periodic box and measures of local structure.

Positions are (N, d) with d = 2 or 3, species (N,) int8, box (d,) orthorhombic and
periodic; lengths are in the unit of the positions. `species_count` is the number S of species
of the system, whether or not all occur in a structure. Values that do not fit are refused with
a ValueError that names them: wrong shapes, NaN or infinite values, a box shorter than twice the
cutoff, two particles at one place where a bond needs a direction.
"""

from .averages import (
    OrderParameterShells,
    averaged_order_parameters,
    coarse_grained,
    shell_average_matrix,
    shell_averages,
)
from .bond_order import bond_order_parameters, species_bond_order
from .density_map import (
    DENSITY_MAP_2D,
    DENSITY_MAP_3D,
    DensityMapGrid,
    density_maps,
    padded_surroundings,
    turned_maps,
)
from .hessian import (
    cage_compliance,
    displacements_under_forces,
    lowest_modes,
    soft_mode_participation,
)
from .local import local_density, neighbour_counts, number_of_neighbours, radial_densities
from .neighbours import Pairs, neighbour_pairs, neighbourhood_blocks, pair_blocks
from .non_affine import non_affine_squared_displacement
from .pair_distribution import particle_pair_distribution
from .periodic_box import minimum_image, wrap
from .structure_functions import (
    COPPER_ZIRCONIUM,
    LENNARD_JONES_2D,
    StructureFunctionGrid,
    angular_structure_functions,
    radial_structure_functions,
    structure_functions,
)
from .voronoi import voronoi_cells

__all__ = [
    "COPPER_ZIRCONIUM",
    "DENSITY_MAP_2D",
    "DENSITY_MAP_3D",
    "LENNARD_JONES_2D",
    "DensityMapGrid",
    "OrderParameterShells",
    "Pairs",
    "StructureFunctionGrid",
    "angular_structure_functions",
    "averaged_order_parameters",
    "bond_order_parameters",
    "cage_compliance",
    "coarse_grained",
    "density_maps",
    "displacements_under_forces",
    "local_density",
    "lowest_modes",
    "minimum_image",
    "neighbour_counts",
    "neighbour_pairs",
    "neighbourhood_blocks",
    "non_affine_squared_displacement",
    "number_of_neighbours",
    "padded_surroundings",
    "pair_blocks",
    "particle_pair_distribution",
    "radial_densities",
    "radial_structure_functions",
    "shell_average_matrix",
    "shell_averages",
    "soft_mode_participation",
    "species_bond_order",
    "structure_functions",
    "turned_maps",
    "voronoi_cells",
    "wrap",
]
