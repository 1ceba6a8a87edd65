"""Draw the rooms of the package and who imports whom, from the imports themselves.

python docs/make/rooms.py              # writes docs/images/rooms.svg
"""

from __future__ import annotations

import ast
import importlib.util
from html import escape
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PICTURE = ROOT / "docs" / "images" / "rooms.svg"
PAGE = ROOT / "docs" / "architecture.md"
BEGIN, END = "<!-- rooms: written by docs/make/rooms.py -->\n", "<!-- end of rooms -->"
PACKAGE = ROOT / "glassbench"
WIDTH, ROOM_WIDTH, ROOM_HEIGHT, FLOOR_HEIGHT, MARGIN = 900, 170, 40, 84, 20


def table_of_floors():
    """Return the test that holds the floors, as a module."""
    spec = importlib.util.spec_from_file_location("floors", ROOT / "tests" / "test_imports.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def idea_of(room: str) -> str:
    """Return the first line of a room's docstring."""
    path = PACKAGE / room
    path = path / "__init__.py" if path.is_dir() else path
    words = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return words.split("\n")[0].rstrip(".")


def needed(imports: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Return the imports without those that a way over other rooms stands for already."""
    below = {room: {lower for upper, lower in imports if upper == room} for room, _ in imports}

    def reached(room: str) -> set[str]:
        return {end for lower in below.get(room, ()) for end in {lower} | reached(lower)}

    return {
        (upper, lower)
        for upper, lower in imports
        if not any(lower in reached(other) for other in below[upper] - {lower})
    }


def drawing() -> str:
    """Return the picture as SVG: floors from the roof down, a line for each pair that imports."""
    floors = table_of_floors()
    imports = set()
    for path in floors.sources():
        if floors.room_of(path) in floors.FLOOR:
            for other in floors.rooms_imported(path):
                imports.add((floors.room_of(path), other))
    places = {}
    for level, rooms in enumerate(floors.FLOORS):
        gap = (WIDTH - len(rooms) * ROOM_WIDTH) / (len(rooms) + 1)
        for number, room in enumerate(rooms):
            left = gap + number * (ROOM_WIDTH + gap)
            places[room] = (left, MARGIN + level * FLOOR_HEIGHT)
    height = MARGIN * 2 + (len(floors.FLOORS) - 1) * FLOOR_HEIGHT + ROOM_HEIGHT
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        'font-family="sans-serif" role="img" aria-label="Rooms of the package and their imports">',
        f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
    ]
    for upper, lower in sorted(needed(imports)):
        (x0, y0), (x1, y1) = places[upper], places[lower]
        start, end = (x0 + ROOM_WIDTH / 2, y0 + ROOM_HEIGHT), (x1 + ROOM_WIDTH / 2, y1)
        bend = (end[1] - start[1]) / 2
        parts.append(
            f'<path d="M{start[0]:.0f},{start[1]:.0f} C{start[0]:.0f},{start[1] + bend:.0f} '
            f'{end[0]:.0f},{end[1] - bend:.0f} {end[0]:.0f},{end[1]:.0f}" fill="none" '
            f'stroke="#7a9cc6" stroke-opacity="0.8" stroke-width="1.4">'
            f"<title>{escape(upper)} imports {escape(lower)}</title></path>"
        )
    for room, (left, top) in places.items():
        parts.append(
            f'<g><title>{escape(idea_of(room))}</title><rect x="{left:.0f}" y="{top}" '
            f'width="{ROOM_WIDTH}" height="{ROOM_HEIGHT}" rx="6" fill="#f4f6fa" stroke="#44546a"/>'
            f'<text x="{left + ROOM_WIDTH / 2:.0f}" y="{top + 25}" text-anchor="middle" '
            f'font-size="15" font-weight="bold" fill="#1b2a41">{escape(room)}</text></g>'
        )
    return "\n".join([*parts, "</svg>"]) + "\n"


def rooms_table() -> str:
    """Return the rooms, from the roof down, with the idea of each, as a Markdown table."""
    floors = table_of_floors()
    rows = [
        f"| {floors.FLOOR[room]} | `{room}` | {idea_of(room)} |"
        for rooms in floors.FLOORS
        for room in rooms
    ]
    return "\n".join(["| floor | room | what it is |", "| ---: | --- | --- |", *rows]) + "\n"


def page() -> str:
    """Return docs/architecture.md with the table as it should be."""
    before, rest = PAGE.read_text(encoding="utf-8").split(BEGIN)
    return before + BEGIN + rooms_table() + END + rest.split(END)[1]


def main() -> None:
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(drawing(), encoding="utf-8")
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
