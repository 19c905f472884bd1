"""Line charts on logarithmic scales as SVG, readable on a light and on a dark page."""

import math
from html import escape

WIDTH, HEIGHT = 640, 380
LEFT, RIGHT, TOP, BOTTOM = 70, 36, 86, 52
# Told apart without colours, too: by the dashes of the line and by the mark.
STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #24292f }
  .title { font-weight: 600; font-size: 15px }
  .page { fill: #ffffff }
  .grid { stroke: #d0d7de; stroke-width: 1 }
  .line { fill: none; stroke-width: 2 }
  .s0 { stroke: #0969da } .m0 { fill: #0969da }
  .s1 { stroke: #bc4c00 } .m1 { fill: #bc4c00 }
  .s2 { stroke: #1a7f37; } .m2 { fill: #1a7f37 }
  .s3 { stroke: #8250df } .m3 { fill: #8250df }
  .dashed { stroke-dasharray: 6 4 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .page { fill: #0d1117 } .grid { stroke: #30363d }
    .s0 { stroke: #58a6ff } .m0 { fill: #58a6ff }
    .s1 { stroke: #f0883e } .m1 { fill: #f0883e }
    .s2 { stroke: #3fb950 } .m2 { fill: #3fb950 }
    .s3 { stroke: #bc8cff } .m3 { fill: #bc8cff }
  }
"""


def words(value):
    """A number of an axis: 0.01, 5, 10,000."""
    return f"{value:,.0f}" if value >= 1 else f"{value:g}"


def ticks(low, high, fine):
    """The decades that hold these values; with `fine` 2 and 5 of each, too, where there are few."""
    first, last = math.floor(math.log10(low) + 1e-9), math.ceil(math.log10(high) - 1e-9)
    last = max(last, first + 1)
    steps = (1, 2, 5) if fine and last - first < 3 else (1,)
    return [step * 10.0 ** decade for decade in range(first, last) for step in steps] + [10.0 ** last]


def line_chart(title, x_label, y_label, series):
    """`series`: (name, colour 0…3, dashed, [(x, y), …]) each; y above 0."""
    xs = [x for *_, points in series for x, _ in points]
    ys = [y for *_, points in series for _, y in points]
    x_ticks, y_ticks = ticks(min(xs), max(xs), fine=False), ticks(min(ys), max(ys), fine=True)

    def place(value, marks, begin, end):
        low, high = math.log10(marks[0]), math.log10(marks[-1])
        return begin + (math.log10(value) - low) / (high - low) * (end - begin)

    def at(x, y):
        return place(x, x_ticks, LEFT, WIDTH - RIGHT), place(y, y_ticks, HEIGHT - BOTTOM, TOP)

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img">',
           f"<title>{escape(title)}</title>", f"<style>{STYLE}</style>", f'<rect class="page" width="{WIDTH}" height="{HEIGHT}" rx="6"/>',
           f'<text class="title" x="{LEFT}" y="24">{escape(title)}</text>']
    for y in y_ticks:
        _, row = at(x_ticks[0], y)
        out.append(f'<path class="grid" d="M{LEFT} {row:.1f}H{WIDTH - RIGHT}"/><text x="{LEFT - 8}" y="{row + 4:.1f}" text-anchor="end">{words(y)}</text>')
    for x in x_ticks:
        column, _ = at(x, y_ticks[0])
        out.append(f'<path class="grid" d="M{column:.1f} {TOP}V{HEIGHT - BOTTOM}"/><text x="{column:.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{words(x)}</text>')
    out.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2:.0f}" y="{HEIGHT - 12}" text-anchor="middle">{escape(x_label)}</text>')
    out.append(f'<text transform="translate(16 {(TOP + HEIGHT - BOTTOM) / 2:.0f}) rotate(-90)" text-anchor="middle">{escape(y_label)}</text>')
    for number, (name, colour, dashed, points) in enumerate(series):
        column, row = LEFT + number % 2 * 280, 46 + number // 2 * 20
        dash = " dashed" if dashed else ""
        path = "L".join("{:.1f} {:.1f}".format(*at(x, y)) for x, y in points)
        out.append(f'<path class="line s{colour}{dash}" d="M{path}"/>')
        for x, y in points:
            cx, cy = at(x, y)
            out.append(f'<rect class="m{colour}" x="{cx - 3.5:.1f}" y="{cy - 3.5:.1f}" width="7" height="7"/>' if dashed else f'<circle class="m{colour}" cx="{cx:.1f}" cy="{cy:.1f}" r="4"/>')
        out.append(f'<path class="line s{colour}{dash}" d="M{column} {row}h26"/><text x="{column + 34}" y="{row + 4}">{escape(name)}</text>')
    return "\n".join([*out, "</svg>", ""])
