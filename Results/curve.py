"""Draws quality against training samples from the runs' validation.csv.

    python3 Results/curve.py Results/sr3-x4-curve.csv Results/sr3-x4-image-curve.csv > Results/sr3-x4-curve.svg

Solid: the mean prediction (one step from no noise), of a deblurrer its predictor's. Dashed: a sample with the recipe's
sampler. Dotted: the base line, bicubic or the blurred input. RGB PSNR in dB on the recipe's held-out photographs.
"""
import csv
import sys

WIDTH, HEIGHT, LEFT, BOTTOM = 640, 400, 60, 50
COLOURS = ["#1f5fa8", "#c2562d", "#3a8a4d"]


def main(paths):
    runs = [(path, list(csv.DictReader(open(path)))) for path in paths]
    baseline = next(name for name in ("psnr_bicubic", "psnr_blurred") if name in runs[0][1][0])
    solid = "psnr_prediction" if "psnr_prediction" in runs[0][1][0] else "psnr_mean"
    columns = (solid, "psnr_sample", baseline)
    values = [float(row[c]) for _, rows in runs for row in rows for c in columns]
    largest = max(int(row["samples"]) for _, rows in runs for row in rows)
    low, high = int(min(values)), int(max(values)) + 1

    def point(samples, value):
        x = LEFT + (WIDTH - LEFT - 20) * samples / largest
        y = HEIGHT - BOTTOM - (HEIGHT - BOTTOM - 20) * (value - low) / (high - low)
        return f"{x:.1f},{y:.1f}"

    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
    ]
    for tick in range(low, high + 1):
        a, b = point(0, tick), point(largest, tick)
        out.append(f'<polyline points="{a} {b}" stroke="#ddd"/>')
        out.append(f'<text x="{LEFT - 8}" y="{float(a.split(",")[1]) + 4}" text-anchor="end">{tick}</text>')
    for step in range(5):
        samples = largest * step / 4
        x = point(samples, low).split(",")[0]
        out.append(f'<text x="{x}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{samples / 1000:.0f}k</text>')
    out.append(f'<text x="{WIDTH / 2}" y="{HEIGHT - 10}" text-anchor="middle">training samples</text>')
    out.append(f'<text x="16" y="{HEIGHT / 2}" transform="rotate(-90 16 {HEIGHT / 2})" text-anchor="middle">PSNR, dB</text>')
    for number, (path, rows) in enumerate(runs):
        colour = COLOURS[number % len(COLOURS)]
        for column, dash in zip(columns, ("none", "6 4", "1 4")):
            line = " ".join(point(int(row["samples"]), float(row[column])) for row in rows)
            out.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}"/>')
        name = path.split("/")[-1].removesuffix("-curve.csv")
        out.append(f'<text x="{LEFT + 12}" y="{34 + 16 * number}" fill="{colour}">{name}: — {solid[5:]}, - - sample, · · {baseline[5:]}</text>')
    out.append("</svg>")
    print("\n".join(out))


main(sys.argv[1:])
