"""Plots of a report as SVG: columns over the days, bars in pieces, drawn in whole numbers."""

from collections.abc import Iterable, Sequence
from html import escape

WIDTH = 720
COLOURS = ("#2f7d4f", "#9db8a6", "#d9a441", "#6f8fb3", "#a35d4a", "#7a6f9b")
_INK = "#26352d"
_ROW = 26

#: What a bar is made of: (name of the piece, value). Pieces of one name have one colour.
Piece = tuple[str, int]


def columns(title: str, values: Sequence[tuple[str, int, str]]) -> str:
    """A column for each (label, value, text), from left to right."""
    height, foot, top = 240, 196, 26
    largest = max((value for _, value, _ in values), default=0) or 1
    step = WIDTH // max(len(values), 1)
    dense = len(values) > 12
    drawn = [f'<line x1="0" x2="{WIDTH}" y1="{foot}" y2="{foot}" stroke="{_INK}"/>']
    for place, (label, value, text) in enumerate(values):
        tall, x = value * (foot - top) // largest, place * step
        middle = x + step // 2
        drawn.append(
            f'<rect x="{x + step // 8}" y="{foot - tall}" width="{max(step - step // 4, 1)}" height="{tall}" '
            f'fill="{COLOURS[0]}"><title>{escape(label)}: {escape(text)}</title></rect>'
        )
        if not dense:
            drawn.append(_text(middle, foot - tall - 6, text, "middle"))
        if not dense or place % (len(values) // 6) == 0:
            drawn.append(_text(middle, foot + 18, label, "middle"))
    return _picture(title, height, drawn, ((label, text) for label, _, text in values))


def bars(title: str, rows: Sequence[tuple[str, Sequence[Piece], str]]) -> str:
    """A bar for each (label, pieces, text), one below the other, with a legend where the pieces have names."""
    names = list(dict.fromkeys(name for _, pieces, _ in rows for name, _ in pieces))
    colour = {name: COLOURS[place % len(COLOURS)] for place, name in enumerate(names)}
    legend = _ROW if names and names != [""] else 0
    left, room = 230, WIDTH - 230 - 110
    largest = max((sum(value for _, value in pieces) for _, pieces, _ in rows), default=0) or 1
    drawn = [
        f'<rect x="{left + place * 110}" y="6" width="12" height="12" fill="{colour[name]}"/>'
        + _text(left + place * 110 + 18, 17, name)
        for place, name in enumerate(names)
        if legend
    ]
    for line, (label, pieces, text) in enumerate(rows):
        x, y = left, legend + line * _ROW
        drawn.append(_text(left - 8, y + 18, label, "end"))
        for name, value in pieces:
            width = value * room // largest
            drawn.append(f'<rect x="{x}" y="{y + 4}" width="{width}" height="{_ROW - 8}" fill="{colour[name]}"/>')
            x += width
        drawn.append(_text(x + 6, y + 18, text))
    return _picture(title, legend + len(rows) * _ROW + 4, drawn, ((label, text) for label, _, text in rows))


def _text(x: int, y: int, text: str, anchor: str = "start") -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}">{escape(text)}</text>'


def _picture(title: str, height: int, drawn: Iterable[str], told: Iterable[tuple[str, str]]) -> str:
    """The whole picture; what it shows stands in its description as well."""
    described = escape("; ".join(f"{label}: {text}" for label, text in told))
    style = f'font-family="system-ui,Noto Sans CJK SC,sans-serif" font-size="13" fill="{_INK}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" {style}>'
    return f"{head}<title>{escape(title)}</title><desc>{described}</desc>{''.join(drawn)}</svg>"
