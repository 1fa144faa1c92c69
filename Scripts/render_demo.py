#!/usr/bin/env python3
"""Draws the demo picture: a brick house with a shop sign, a tree, a fence and a meadow at noon.

    render_demo.py --size 192x144 [--scale 4] [--hr original.png] out.png

The scene is defined in units of its own, so it can be drawn at any size. It is drawn at SCALE
times the size asked for and reduced to that size with an antialiased bicubic filter; --hr also
writes the large drawing, which is what super-resolution tries to get back. The same arguments
always give the same pixels. Needs numpy and nothing else.
"""

import argparse
import math
import struct
import sys
import zlib

import numpy as np

# The scene is 4 units wide and 3 high, y pointing down. Colours are sRGB, 0 to 1.
WIDTH, HEIGHT = 4.0, 3.0
HORIZON = 2.02
SUPERSAMPLING = 2


# --- noise ---------------------------------------------------------------------------------------


def lattice(ix, iy, seed):
    """A number in [0, 1) for every pair of integers, without visible pattern."""
    h = ix.astype(np.uint32) * np.uint32(374761393) + iy.astype(np.uint32) * np.uint32(668265263)
    h = h + np.uint32(seed * 2246822519 & 0xFFFFFFFF)
    h = (h ^ (h >> np.uint32(13))) * np.uint32(1274126177)
    h = (h ^ (h >> np.uint32(15))) * np.uint32(2654435761)
    return (h >> np.uint32(8)).astype(np.float32) / np.float32(1 << 24)


def noise(x, y, seed):
    """Smooth noise in [0, 1) with features one unit wide."""
    fx, fy = np.floor(x), np.floor(y)
    ix, iy = fx.astype(np.int32), fy.astype(np.int32)
    u, v = x - fx, y - fy
    u, v = u * u * (3 - 2 * u), v * v * (3 - 2 * v)
    top = lattice(ix, iy, seed) * (1 - u) + lattice(ix + 1, iy, seed) * u
    bottom = lattice(ix, iy + 1, seed) * (1 - u) + lattice(ix + 1, iy + 1, seed) * u
    return top * (1 - v) + bottom * v


def clouds(x, y, seed, octaves):
    """Noise of several sizes added up, in [0, 1)."""
    total, weight = 0.0, 0.0
    for k in range(octaves):
        total = total + noise(x * 2**k, y * 2**k, seed + k) * 0.5**k
        weight += 0.5**k
    return total / weight


def step(low, high, value):
    t = np.clip((value - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def mix(a, b, t):
    a, b = np.asarray(a, np.float32), np.asarray(b, np.float32)
    t = np.asarray(t, np.float32)
    if t.ndim:
        t = t[..., None]
    return a * (1 - t) + b * t


# --- canvas --------------------------------------------------------------------------------------


class Canvas:
    """Pixels in sRGB and the scene coordinates of their centres."""

    def __init__(self, width, height):
        self.unit = width / WIDTH
        self.pixels = np.zeros((height, width, 3), np.float32)
        self.x = (np.arange(width, dtype=np.float32) + 0.5) / np.float32(self.unit)
        self.y = (np.arange(height, dtype=np.float32) + 0.5) / np.float32(self.unit)

    def window(self, x0, y0, x1, y1):
        """The part of the canvas that covers a box: (rows, columns, x, y)."""
        height, width, _ = self.pixels.shape
        c0, c1 = max(0, int(x0 * self.unit) - 1), min(width, int(x1 * self.unit) + 2)
        r0, r1 = max(0, int(y0 * self.unit) - 1), min(height, int(y1 * self.unit) + 2)
        rows, columns = slice(r0, max(r0, r1)), slice(c0, max(c0, c1))
        x, y = np.meshgrid(self.x[columns], self.y[rows])
        return rows, columns, x, y

    def cover(self, distance):
        """How much of a pixel lies inside a shape, from the distance to its edge (negative inside)."""
        return np.clip(0.5 - distance * self.unit, 0, 1)

    def blend(self, rows, columns, colour, alpha):
        target = self.pixels[rows, columns]
        target += (colour - target) * alpha[..., None]

    def box(self, x0, y0, x1, y1, paint, alpha=1.0):
        """A rectangle; `paint` is a colour or a function of (x, y)."""
        rows, columns, x, y = self.window(x0, y0, x1, y1)
        if x.size:
            distance = np.maximum(np.maximum(x0 - x, x - x1), np.maximum(y0 - y, y - y1))
            colour = paint(x, y) if callable(paint) else np.asarray(paint, np.float32)
            self.blend(rows, columns, colour, self.cover(distance) * alpha)

    def polygon(self, points, paint, alpha=1.0):
        """A convex polygon, corners clockwise on the screen."""
        xs, ys = zip(*points)
        rows, columns, x, y = self.window(min(xs), min(ys), max(xs), max(ys))
        if not x.size:
            return
        distance = np.full_like(x, -1e9)
        for (ax, ay), (bx, by) in zip(points, points[1:] + points[:1]):
            length = math.hypot(bx - ax, by - ay)
            distance = np.maximum(distance, ((x - ax) * (by - ay) - (y - ay) * (bx - ax)) / length)
        colour = paint(x, y) if callable(paint) else np.asarray(paint, np.float32)
        self.blend(rows, columns, colour, self.cover(distance) * alpha)

    def stroke(self, a, b, width_a, width_b, colour, light=0.0, alpha=1.0):
        """A line from a to b, round at the ends; `light` shades it like a cylinder lit from the left."""
        (ax, ay), (bx, by) = a, b
        reach = max(width_a, width_b)
        rows, columns, x, y = self.window(
            min(ax, bx) - reach, min(ay, by) - reach, max(ax, bx) + reach, max(ay, by) + reach
        )
        if not x.size:
            return
        dx, dy = bx - ax, by - ay
        square = dx * dx + dy * dy + 1e-12
        t = np.clip(((x - ax) * dx + (y - ay) * dy) / square, 0, 1)
        half = (width_a + (width_b - width_a) * t) / 2
        px, py = x - ax - t * dx, y - ay - t * dy
        distance = np.sqrt(px * px + py * py) - half
        colour = np.asarray(colour, np.float32)
        if light:
            colour = colour * (1 - light * np.clip(px / (half + 1e-6), -1, 1))[..., None]
        self.blend(rows, columns, colour, self.cover(distance) * alpha)

    def disc(self, cx, cy, rx, ry, colour, turn=0.0, softness=0.0, alpha=1.0):
        """An ellipse, turned by an angle; `softness` widens its edge."""
        reach = max(rx, ry) + softness
        rows, columns, x, y = self.window(cx - reach, cy - reach, cx + reach, cy + reach)
        if not x.size:
            return
        c, s = math.cos(turn), math.sin(turn)
        u, v = ((x - cx) * c + (y - cy) * s) / rx, ((y - cy) * c - (x - cx) * s) / ry
        distance = (np.sqrt(u * u + v * v) - 1) * min(rx, ry)
        inside = 1 - step(-softness, softness, distance) if softness else self.cover(distance)
        self.blend(rows, columns, np.asarray(colour, np.float32), inside * alpha)


# --- the scene, from back to front ---------------------------------------------------------------


def sky(canvas):
    def paint(x, y):
        colour = mix((0.24, 0.45, 0.74), (0.80, 0.88, 0.93), step(0, 2.1, y + 0.1 * x))
        puff = clouds(x * 0.9 + 3, y * 1.9, 11, 7)
        body = step(0.50, 0.70, puff)
        shade = clouds(x * 0.9 + 3.1, y * 1.9 + 0.16, 11, 7)
        cloud = mix((0.99, 0.98, 0.95), (0.72, 0.76, 0.83), step(0.50, 0.78, shade))
        return colour + (cloud - colour) * (body * 0.92)[..., None]

    canvas.box(0, 0, WIDTH, HEIGHT, paint)


def hills(canvas):
    ranges = [
        (1.62, 0.20, 0.8, (0.50, 0.60, 0.70), 21),
        (1.78, 0.16, 1.3, (0.36, 0.48, 0.46), 31),
        (1.90, 0.12, 2.1, (0.22, 0.35, 0.21), 41),
    ]
    for level, rise, rate, colour, seed in ranges:
        rows, columns, x, y = canvas.window(0, 1.2, WIDTH, HORIZON + 0.1)
        crest = level - rise * (clouds(x * rate, x * 0, seed, 3) - 0.3)
        crest = crest - 0.035 * clouds(x * 22, x * 0, seed + 5, 3)
        texture = clouds(x * 26, y * 40, seed + 9, 3) - 0.5
        shaded = np.asarray(colour, np.float32) * (1 + 0.7 * texture * (0.4 + seed / 60))[..., None]
        canvas.blend(rows, columns, shaded, canvas.cover(crest - y))


def meadow(canvas):
    def paint(x, y):
        depth = 1 / (y - HORIZON + 0.10)
        u, v = (x - 2.2) * depth * 2, depth * 6
        tint = clouds(u * 1.5, v, 51, 5)
        fine = clouds(x * 60, y * 38, 57, 3)
        colour = mix((0.20, 0.34, 0.10), (0.56, 0.62, 0.24), step(0.25, 0.75, tint))
        return colour * (0.72 + 0.55 * fine)[..., None]

    canvas.box(0, HORIZON, WIDTH, HEIGHT, paint)


def path(canvas):
    """Flagstones leading to the door."""

    def paint(x, y):
        depth = 0.42 / (y - HORIZON + 0.30)
        centre = 1.33 + 0.42 * (y - 2.2) ** 2
        u, v = (x - centre) * depth * 9, depth * 15
        iu, iv = np.floor(u), np.floor(v)
        nearest = np.full_like(x, 9.0)
        second = np.full_like(x, 9.0)
        tone = np.zeros_like(x)
        for du in (-1, 0, 1):
            for dv in (-1, 0, 1):
                cu, cv = (iu + du).astype(np.int32), (iv + dv).astype(np.int32)
                pu = cu + 0.15 + 0.7 * lattice(cu, cv, 61)
                pv = cv + 0.15 + 0.7 * lattice(cu, cv, 62)
                d = np.hypot(u - pu, v - pv)
                closer = d < nearest
                second = np.where(closer, nearest, np.minimum(second, d))
                tone = np.where(closer, lattice(cu, cv, 63), tone)
                nearest = np.where(closer, d, nearest)
        stone = mix((0.50, 0.46, 0.41), (0.80, 0.75, 0.66), tone)
        stone = stone * (0.82 + 0.36 * clouds(x * 70, y * 70, 64, 3))[..., None]
        return mix((0.22, 0.24, 0.13), stone, step(0.05, 0.16, second - nearest))

    rows, columns, x, y = canvas.window(0.4, 2.28, 2.6, HEIGHT)
    centre = 1.33 + 0.42 * (y - 2.2) ** 2
    half = 0.15 + 0.42 * (y - 2.25)
    ragged = 0.03 * (clouds(x * 14, y * 14, 66, 2) - 0.5)
    canvas.blend(rows, columns, paint(x, y), canvas.cover(np.abs(x - centre) - half + ragged))


def brick(x, y):
    """Running bond: a colour for every brick, mortar between, grain over all."""
    tall, long = 0.046, 0.118
    row = np.floor(y / tall)
    along = x / long + 0.5 * (row % 2)
    column = np.floor(along)
    u, v = (along - column) * long, y - row * tall
    edge = np.minimum(np.minimum(u, long - u), np.minimum(v, tall - v))
    r, c = row.astype(np.int32), column.astype(np.int32)
    colour = mix((0.52, 0.25, 0.18), (0.74, 0.43, 0.30), lattice(c, r, 71))
    colour = mix(colour, (0.36, 0.24, 0.22), (lattice(c, r, 72) > 0.86) * 0.75)
    colour = colour * (0.84 + 0.32 * clouds(x * 90, y * 120, 73, 3))[..., None]
    colour = colour * (1 + 0.16 * (step(0.012, 0.004, v) - step(tall - 0.012, tall - 0.004, v)))[..., None]
    mortar = (
        np.asarray((0.76, 0.71, 0.63), np.float32) * (0.85 + 0.3 * noise(x * 120, y * 120, 75))[..., None]
    )
    weather = 0.80 + 0.34 * clouds(x * 1.6, y * 1.2, 76, 4)
    return mix(mortar, colour, step(0.003, 0.0065, edge)) * weather[..., None]


def tiles(x, y):
    """Rounded clay tiles in rows, each row throwing a shadow on the next."""
    tall, wide = 0.062, 0.074
    row = np.floor(y / tall)
    along = x / wide + 0.5 * (row % 2)
    u, v = along - np.floor(along), y / tall - row
    r, c = row.astype(np.int32), np.floor(along).astype(np.int32)
    lip = 0.72 + 0.26 * np.sqrt(np.clip(1 - (2 * u - 1) ** 2, 0, 1))
    colour = mix((0.45, 0.20, 0.13), (0.73, 0.39, 0.24), lattice(c, r, 81))
    colour = mix(colour, (0.40, 0.39, 0.24), step(0.62, 0.80, clouds(x * 7, y * 7, 83, 3)) * 0.7)
    shade = (0.70 + 0.42 * np.sin(math.pi * np.clip(u, 0, 1))) * (0.88 + 0.24 * noise(x * 90, y * 90, 84))
    shade = np.where(v > lip, 0.36, shade * (0.80 + 0.30 * v))
    return colour * shade[..., None]


def window(canvas, x0, y0, x1, y1):
    """Stone surround, white frame with bars, panes that mirror the sky, curtains behind."""
    canvas.box(x0 - 0.045, y0 - 0.075, x1 + 0.045, y0 - 0.014, lambda x, y: stone(x, y, 0.96))
    canvas.box(x0 - 0.060, y1 + 0.012, x1 + 0.060, y1 + 0.055, lambda x, y: stone(x, y, 1.06))
    canvas.box(x0 - 0.050, y1 + 0.055, x1 + 0.070, y1 + 0.085, (0.10, 0.05, 0.05), 0.5)
    canvas.box(x0 - 0.014, y0 - 0.014, x1 + 0.014, y1 + 0.014, (0.93, 0.92, 0.87))

    def glass(x, y):
        u, v = (x - x0) / (x1 - x0), (y - y0) / (y1 - y0)
        mirrored = mix((0.30, 0.42, 0.55), (0.10, 0.13, 0.16), step(0.1, 0.85, v + 0.35 * u))
        mirrored = mirrored + (0.34 * step(0.48, 0.62, clouds(x * 5, y * 5, 91, 5)) * (1 - v))[..., None]
        folds = 0.70 + 0.26 * np.sin(u * 75 + 1.5 * np.sin(v * 5))
        side = np.minimum(u, 1 - u) < 0.15 + 0.13 * v * v
        curtain = np.asarray((0.86, 0.80, 0.70), np.float32) * folds[..., None]
        return np.where(side[..., None], curtain * 0.8 + mirrored * 0.2, mirrored)

    canvas.box(x0, y0, x1, y1, glass)
    bar = 0.011
    for k in (1, 2):
        x = x0 + (x1 - x0) * k / 3
        canvas.box(x - bar / 2, y0, x + bar / 2, y1, (0.94, 0.93, 0.88))
    for k in (1, 2, 3):
        y = y0 + (y1 - y0) * k / 4
        canvas.box(x0, y - bar / 2, x1, y + bar / 2, (0.94, 0.93, 0.88))
        canvas.box(x0, y + bar / 2, x1, y + bar, (0.05, 0.06, 0.08), 0.45)
    canvas.box(x0, y0, x1, y0 + 0.022, (0.04, 0.04, 0.06), 0.55)
    canvas.box(x0, y0, x0 + 0.014, y1, (0.04, 0.04, 0.06), 0.4)


def stone(x, y, light):
    grain = clouds(x * 50, y * 50, 95, 4)
    return np.asarray((0.80, 0.75, 0.65), np.float32) * (light * (0.78 + 0.4 * grain))[..., None]


def flower_box(canvas, x0, x1, y, seed):
    random = np.random.default_rng(seed)
    for _ in range(170):
        x, dy = random.uniform(x0, x1), abs(random.normal(0, 0.026))
        green = mix((0.10, 0.24, 0.08), (0.36, 0.52, 0.20), random.random())
        canvas.disc(x, y - dy, 0.013, 0.007, green, random.uniform(0, 3.14))
    for _ in range(46):
        x, dy = random.uniform(x0, x1), random.uniform(0.0, 0.062)
        red = mix((0.80, 0.08, 0.13), (0.98, 0.46, 0.52), random.random())
        canvas.disc(x, y - dy, 0.0115, 0.0105, red)
        canvas.disc(x - 0.003, y - dy - 0.003, 0.004, 0.004, mix(red, (1, 0.9, 0.85), 0.5))
    canvas.box(x0 - 0.01, y, x1 + 0.01, y + 0.05, lambda px, py: wood(px, py, (0.30, 0.19, 0.12), 14))


def wood(x, y, colour, boards):
    grain = clouds(x * 6, y * 90, 97, 4)
    gap = np.abs(x * boards - np.round(x * boards))
    shade = (0.70 + 0.55 * grain) * (0.55 + 0.45 * step(0.0, 0.10, gap))
    return np.asarray(colour, np.float32) * shade[..., None]


# Letters as strokes on a grid 4 wide and 6 high.
LETTERS = {
    "R": [[(0, 6), (0, 0), (3, 0), (4, 1), (4, 2), (3, 3), (0, 3)], [(2, 3), (4, 6)]],
    "E": [[(4, 0), (0, 0), (0, 6), (4, 6)], [(0, 3), (3, 3)]],
    "S": [[(4, 1), (3, 0), (1, 0), (0, 1), (0, 2), (1, 3), (3, 3), (4, 4), (4, 5), (3, 6), (1, 6), (0, 5)]],
    "T": [[(0, 0), (4, 0)], [(2, 0), (2, 6)]],
    "O": [[(1, 0), (3, 0), (4, 1), (4, 5), (3, 6), (1, 6), (0, 5), (0, 1), (1, 0)]],
    "1": [[(1, 1), (2, 0), (2, 6)]],
    "8": [
        [(1, 0), (3, 0), (4, 1), (4, 2), (3, 3), (1, 3), (0, 2), (0, 1), (1, 0)],
        [(1, 3), (0, 4), (0, 5), (1, 6), (3, 6), (4, 5), (4, 4), (3, 3)],
    ],
    "7": [[(0, 0), (4, 0), (2, 6)]],
    "4": [[(3, 6), (3, 0), (0, 4), (4, 4)]],
}


def write(canvas, text, x, y, size, width, colour):
    for letter in text:
        for line in LETTERS[letter]:
            points = [(x + px * size / 6, y + py * size / 6) for px, py in line]
            for a, b in zip(points, points[1:]):
                canvas.stroke(a, b, width, width, colour)
        x += size * 0.95


def house(canvas):
    left, right, eaves, base = 0.26, 2.42, 1.06, 2.34
    # Chimney, behind the roof.
    canvas.box(1.86, 0.16, 2.06, 0.70, brick)
    canvas.box(1.99, 0.16, 2.06, 0.70, (0.05, 0.03, 0.05), 0.40)
    canvas.box(1.83, 0.12, 2.09, 0.17, lambda x, y: stone(x, y, 0.95))
    canvas.box(left, eaves - 0.05, right, base, brick)
    # Light falls off along the wall.
    canvas.box(left, eaves, right, base, (0.10, 0.07, 0.14), 0.10)
    canvas.box(left, base - 0.12, right, base, lambda x, y: stone(x, y, 0.72))
    window(canvas, 0.50, 1.34, 0.86, 1.86)
    flower_box(canvas, 0.46, 0.90, 1.93, 101)
    window(canvas, 1.82, 1.34, 2.18, 1.86)
    flower_box(canvas, 1.78, 2.22, 1.93, 102)
    door(canvas, 1.18, 1.60, 1.50, base)
    sign(canvas, 0.985, 1.675, 1.235, 1.435)
    lamp(canvas, 1.05, 1.62)
    # Roof: a trapezium of tiles with a ridge, its eaves throwing a soft shadow.
    for k in range(8):
        canvas.box(left, eaves, right, eaves + 0.03 + 0.016 * k, (0.07, 0.04, 0.09), 0.115)
    roof = [(left + 0.40, 0.36), (right - 0.40, 0.36), (right + 0.14, eaves), (left - 0.14, eaves)]
    canvas.polygon(roof, tiles)
    canvas.polygon(roof, lambda x, y: np.zeros((*x.shape, 3), np.float32) + (0.98, 0.90, 0.72), 0.07)
    for k in range(20):
        x = left + 0.40 + k * (right - left - 0.80) / 20
        shade = 0.9 + 0.25 * float(lattice(np.array([k]), np.array([3]), 85)[0])
        canvas.box(x, 0.325, x + 0.064, 0.385, np.array((0.62, 0.33, 0.22)) * shade)
        canvas.box(x + 0.052, 0.325, x + 0.0665, 0.385, (0.25, 0.12, 0.10))
    canvas.stroke(
        (left - 0.15, eaves + 0.012), (right + 0.15, eaves + 0.012), 0.036, 0.036, (0.34, 0.36, 0.37)
    )
    canvas.stroke(
        (left - 0.15, eaves + 0.003), (right + 0.15, eaves + 0.003), 0.008, 0.008, (0.74, 0.76, 0.77)
    )
    canvas.stroke((right - 0.06, eaves), (right - 0.06, base), 0.034, 0.034, (0.46, 0.48, 0.48), 0.4)


def door(canvas, x0, x1, y0, y1):
    canvas.box(x0 - 0.06, y0 - 0.06, x1 + 0.06, y1, lambda x, y: stone(x, y, 0.98))
    canvas.box(x0, y0, x1, y1, lambda x, y: wood(x, y, (0.12, 0.36, 0.37), 12))
    for y in (y0 + 0.30, y0 + 0.56):
        for a, b in ((x0 + 0.05, x0 + 0.19), (x1 - 0.19, x1 - 0.05)):
            canvas.box(a, y, b, y + 0.20, (0.05, 0.17, 0.18))
            canvas.box(a + 0.012, y + 0.012, b, y + 0.20, (0.17, 0.43, 0.43))
            canvas.box(a + 0.012, y + 0.012, b - 0.012, y + 0.188, (0.10, 0.30, 0.31))
    for k in range(3):
        a = x0 + 0.05 + k * 0.112
        canvas.box(
            a,
            y0 + 0.05,
            a + 0.094,
            y0 + 0.24,
            lambda x, y: mix(
                (0.70, 0.80, 0.86), (0.16, 0.20, 0.22), step(y0 + 0.04, y0 + 0.26, y + 0.4 * (x - x0))
            ),
        )
    canvas.disc(x1 - 0.035, y0 + 0.50, 0.014, 0.014, (0.62, 0.48, 0.18))
    canvas.disc(x1 - 0.039, y0 + 0.496, 0.005, 0.005, (1.0, 0.95, 0.72))
    canvas.box(x0, y0, x1, y0 + 0.035, (0.03, 0.03, 0.05), 0.5)
    canvas.box(x0 - 0.10, y1 - 0.03, x1 + 0.10, y1 + 0.03, lambda x, y: stone(x, y, 1.08))
    canvas.box(x0 - 0.10, y1 + 0.03, x1 + 0.10, y1 + 0.055, lambda x, y: stone(x, y, 0.55))


def sign(canvas, x0, x1, y0, y1):
    canvas.box(x0 + 0.012, y0 + 0.02, x1 + 0.03, y1 + 0.03, (0.06, 0.03, 0.04), 0.5)
    canvas.box(x0, y0, x1, y1, (0.83, 0.70, 0.38))
    canvas.box(x0 + 0.012, y0 + 0.012, x1 - 0.012, y1 - 0.012, lambda x, y: wood(x, y, (0.13, 0.17, 0.22), 1))
    write(canvas, "RESTORE", x0 + 0.055, y0 + 0.042, 0.088, 0.0155, (0.97, 0.93, 0.80))
    canvas.stroke((x0 + 0.05, y1 - 0.038), (x0 + 0.24, y1 - 0.038), 0.005, 0.005, (0.83, 0.70, 0.38))
    write(canvas, "1874", x0 + 0.275, y1 - 0.054, 0.034, 0.0065, (0.90, 0.80, 0.52))
    canvas.stroke((x1 - 0.24, y1 - 0.038), (x1 - 0.05, y1 - 0.038), 0.005, 0.005, (0.83, 0.70, 0.38))


def lamp(canvas, x, y):
    canvas.stroke((x, y - 0.08), (x - 0.05, y - 0.10), 0.010, 0.010, (0.10, 0.10, 0.11))
    canvas.stroke((x - 0.05, y - 0.10), (x - 0.05, y - 0.05), 0.008, 0.008, (0.10, 0.10, 0.11))
    canvas.box(x - 0.078, y - 0.05, x - 0.022, y + 0.05, (0.10, 0.10, 0.11))
    canvas.box(x - 0.070, y - 0.036, x - 0.030, y + 0.042, (0.98, 0.88, 0.58))
    canvas.box(x - 0.053, y - 0.036, x - 0.047, y + 0.042, (0.12, 0.11, 0.10))


def tree(canvas):
    """A trunk that forks nine times, then leaves in layers from shadow to sun."""
    random = np.random.default_rng(7)
    tips = []

    def grow(x, y, angle, length, width, depth):
        bend = angle + random.normal(0, 0.10)
        mx, my = x + math.cos(angle) * length / 2, y - math.sin(angle) * length / 2
        ex, ey = mx + math.cos(bend) * length / 2, my - math.sin(bend) * length / 2
        bark = mix((0.24, 0.18, 0.13), (0.40, 0.33, 0.25), random.random())
        canvas.stroke((x, y), (mx, my), width, width * 0.88, bark, 0.45)
        canvas.stroke((mx, my), (ex, ey), width * 0.88, width * 0.74, bark, 0.45)
        if depth <= 3:
            tips.append((ex, ey, depth))
        if depth:
            spread = random.uniform(0.30, 0.52)
            grow(ex, ey, bend + spread, length * random.uniform(0.70, 0.84), width * 0.68, depth - 1)
            grow(ex, ey, bend - spread, length * random.uniform(0.70, 0.84), width * 0.68, depth - 1)

    # The shadow on the grass, then roots and trunk.
    for k in range(60):
        canvas.disc(
            3.46 + random.normal(0, 0.34),
            2.46 + random.normal(0, 0.045),
            0.13,
            0.026,
            (0.06, 0.12, 0.04),
            0,
            0.02,
            0.30,
        )
    canvas.stroke((3.15, 2.50), (3.20, 2.30), 0.26, 0.17, (0.30, 0.23, 0.17), 0.45)
    grow(3.19, 2.44, 1.53, 0.62, 0.165, 8)
    bark_lines(canvas, random)
    leaves(canvas, random, tips)


def bark_lines(canvas, random):
    for _ in range(130):
        x, y = 3.19 + random.uniform(-0.07, 0.07), random.uniform(1.85, 2.45)
        tone = (0.14, 0.10, 0.08) if random.random() < 0.6 else (0.52, 0.44, 0.34)
        canvas.stroke(
            (x, y), (x + random.normal(0, 0.008), y + random.uniform(0.02, 0.07)), 0.006, 0.003, tone, 0, 0.7
        )


def leaves(canvas, random, tips):
    layers = [
        ((0.08, 0.18, 0.05), 0.026, 1500),
        ((0.17, 0.33, 0.08), 0.023, 2000),
        ((0.36, 0.52, 0.13), 0.019, 1700),
        ((0.62, 0.72, 0.26), 0.014, 700),
    ]
    for level, (colour, size, count) in enumerate(layers):
        for index in random.integers(0, len(tips), count):
            x, y, _ = tips[index]
            x += random.normal(0, 0.065) - 0.022 * level
            y += random.normal(0, 0.060) - 0.022 * level
            tone = np.asarray(colour) * random.uniform(0.75, 1.25)
            canvas.disc(x, y, size * random.uniform(0.7, 1.2), size * 0.48, tone, random.uniform(0, 3.14))


def grass(canvas, count, top, bottom, seed):
    """Blades, the nearer the larger, painted from far to near."""
    random = np.random.default_rng(seed)
    for y in np.sort(random.uniform(top, bottom, count)):
        near = (y - HORIZON) / (HEIGHT - HORIZON)
        x, tall = random.uniform(-0.05, WIDTH + 0.05), (0.02 + 0.13 * near) * random.uniform(0.6, 1.3)
        centre = 1.33 + 0.42 * (y - 2.2) ** 2
        if abs(x - centre) < 0.15 + 0.42 * (y - 2.25) and y > 2.28:
            continue
        colour = mix((0.13, 0.25, 0.06), (0.66, 0.70, 0.30), random.random() ** 1.5)
        lean = random.normal(0, 0.35) * tall
        width = 0.003 + 0.008 * near
        canvas.stroke((x, y), (x + lean * 0.4, y - tall * 0.6), width, width * 0.7, colour)
        canvas.stroke((x + lean * 0.4, y - tall * 0.6), (x + lean, y - tall), width * 0.7, 0.001, colour)


def daisies(canvas):
    random = np.random.default_rng(17)
    for y in np.sort(random.uniform(2.38, 2.80, 70)):
        x = random.uniform(0, WIDTH)
        centre = 1.33 + 0.42 * (y - 2.2) ** 2
        if abs(x - centre) < 0.22 + 0.42 * (y - 2.25):
            continue
        size = 0.010 + 0.030 * (y - 2.3)
        yellow = random.random() < 0.4
        for k in range(9):
            a = k * 2 * math.pi / 9
            canvas.disc(
                x + size * math.cos(a),
                y + 0.8 * size * math.sin(a),
                size * 0.62,
                size * 0.30,
                (0.97, 0.82, 0.22) if yellow else (0.97, 0.97, 0.95),
                a,
            )
        canvas.disc(x, y, size * 0.5, size * 0.42, (0.72, 0.40, 0.05) if yellow else (0.95, 0.74, 0.12))


def fence(canvas):
    """White pickets on two rails, right of the path."""
    top, bottom, start, stop = 2.16, 2.63, 2.46, 4.05
    for y in (2.30, 2.50):
        canvas.box(start, y, stop, y + 0.045, (0.80, 0.80, 0.78))
        canvas.box(start, y + 0.036, stop, y + 0.052, (0.40, 0.42, 0.42), 0.8)
    wide, gap = 0.072, 0.128
    for k in range(int((stop - start) / gap) + 1):
        x = start + k * gap
        light = 0.90 + 0.08 * float(lattice(np.array([k]), np.array([9]), 111)[0])
        canvas.polygon(
            [
                (x + 0.014, bottom + 0.02),
                (x + 0.014, top + 0.07),
                (x + wide + 0.018, top + 0.07),
                (x + wide + 0.018, bottom + 0.02),
            ],
            (0.10, 0.16, 0.06),
            0.30,
        )

        def paint(px, py, light=light):
            worn = clouds(px * 40, py * 8, 113, 3)
            return np.asarray((0.98, 0.97, 0.93), np.float32) * (light * (0.86 + 0.22 * worn))[..., None]

        corners = [
            (x, bottom),
            (x, top + 0.05),
            (x + wide / 2, top),
            (x + wide, top + 0.05),
            (x + wide, bottom),
        ]
        canvas.polygon(corners, paint)
        canvas.box(x + wide - 0.014, top + 0.05, x + wide, bottom, (0.45, 0.48, 0.52), 0.55)
        for y in (2.322, 2.522):
            canvas.disc(x + wide / 2, y, 0.006, 0.006, (0.42, 0.36, 0.32))


def foreground(canvas):
    """Poppies and blades too near to be in focus."""
    random = np.random.default_rng(23)
    for _ in range(44):
        x = random.choice((random.uniform(-0.1, 0.62), random.uniform(3.05, 4.1)))
        y = random.uniform(2.78, 3.08)
        green = mix((0.10, 0.22, 0.06), (0.44, 0.56, 0.20), random.random())
        canvas.disc(x, y, 0.16, 0.035, green, random.uniform(1.2, 1.9), 0.032, 0.75)
    for x, y, size in (
        (0.17, 2.70, 0.105),
        (0.44, 2.86, 0.085),
        (3.86, 2.83, 0.10),
        (0.02, 2.93, 0.08),
        (3.50, 2.95, 0.075),
    ):
        canvas.disc(x, y, size, size * 0.86, (0.78, 0.10, 0.07), 0.2, 0.030, 0.95)
        canvas.disc(
            x - size * 0.28, y - size * 0.30, size * 0.55, size * 0.42, (0.95, 0.34, 0.20), 0.4, 0.030, 0.75
        )
        canvas.disc(
            x + size * 0.05, y + size * 0.10, size * 0.24, size * 0.20, (0.16, 0.05, 0.07), 0, 0.022, 0.75
        )


def birds(canvas):
    for x, y, size in ((2.62, 0.34, 0.055), (2.80, 0.26, 0.045), (2.50, 0.22, 0.036)):
        dark = (0.16, 0.17, 0.21)
        for side in (-1, 1):
            canvas.stroke((x, y), (x + side * size * 0.5, y - size * 0.34), 0.011, 0.009, dark)
            canvas.stroke(
                (x + side * size * 0.5, y - size * 0.34),
                (x + side * size, y - size * 0.10),
                0.009,
                0.003,
                dark,
            )


def draw(width, height):
    """The whole scene as float sRGB, height × width × 3."""
    canvas = Canvas(width * SUPERSAMPLING, height * SUPERSAMPLING)
    for layer in (sky, birds, hills, meadow, path, house):
        layer(canvas)
    grass(canvas, 1500, 2.30, 2.52, 131)
    tree(canvas)
    grass(canvas, 1300, 2.44, 2.62, 132)
    fence(canvas)
    grass(canvas, 2200, 2.60, 3.05, 133)
    daisies(canvas)
    foreground(canvas)
    return develop(canvas, width, height)


def develop(canvas, width, height):
    """Averages the supersamples in linear light, darkens the corners and adds a contrast curve."""
    linear = np.clip(canvas.pixels, 0, 1) ** 2.2
    k = SUPERSAMPLING
    linear = linear.reshape(height, k, width, k, 3).mean(axis=(1, 3))
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    radius = ((x / width - 0.5) ** 2 + (y / height - 0.5) ** 2) * 2
    linear *= (1 - 0.32 * radius**1.5)[..., None]
    warm = linear * np.asarray((1.05, 1.0, 0.93), np.float32)
    encoded = np.clip(warm, 0, 1) ** (1 / 2.2)
    return np.clip(encoded + 0.06 * np.sin((encoded - 0.5) * 2 * math.pi) / 2, 0, 1)


# --- reduction and files -------------------------------------------------------------------------


def cubic(t):
    t = np.abs(t)
    near = 1.5 * t**3 - 2.5 * t**2 + 1
    far = -0.5 * t**3 + 2.5 * t**2 - 4 * t + 2
    return np.where(t <= 1, near, np.where(t < 2, far, 0))


def reduce_rows(image, size):
    """Bicubic reduction along the first axis, the kernel widened by the factor, edges mirrored."""
    factor = image.shape[0] / size
    centres = (np.arange(size) + 0.5) * factor - 0.5
    taps = np.floor(centres - 2 * factor)[:, None] + np.arange(int(4 * factor) + 2)[None, :]
    weights = cubic((centres[:, None] - taps) / factor)
    weights /= weights.sum(axis=1, keepdims=True)
    last = image.shape[0] - 1
    index = np.abs(taps.astype(int) + 0.5) - 0.5
    index = np.clip(np.where(index > last, 2 * last + 1 - index, index).astype(int), 0, last)
    return np.einsum("ok,ok...->o...", weights, image[index])


def reduce(image, width, height):
    rows = reduce_rows(image, height)
    return reduce_rows(rows.swapaxes(0, 1), width).swapaxes(0, 1)


def to_bytes(image):
    return (np.clip(image, 0, 1) * 255 + 0.5).astype(np.uint8)


def write_png(path, pixels):
    """An 8-bit RGB PNG, every row filtered by `Up`."""
    height, width, _ = pixels.shape
    rows = pixels.reshape(height, -1)
    filtered = rows - np.vstack([np.zeros_like(rows[:1]), rows[:-1]])
    data = np.hstack([np.full((height, 1), 2, np.uint8), filtered]).tobytes()

    def chunk(name, body):
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n")
        file.write(chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)))
        file.write(chunk(b"sRGB", b"\0"))
        file.write(chunk(b"IDAT", zlib.compress(data, 9)))
        file.write(chunk(b"IEND", b""))


def parse_size(text):
    try:
        width, height = (int(part) for part in text.lower().split("x"))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is not WIDTHxHEIGHT")
    if not (8 <= width <= 2048 and width * 3 == height * 4):
        raise argparse.ArgumentTypeError(f"{text} must be 4:3 and at most 2048 wide")
    return width, height


def main():
    parser = argparse.ArgumentParser(description="Draws the demo picture.")
    parser.add_argument("--size", type=parse_size, default=(192, 144), metavar="WxH", help="4:3 (192x144)")
    parser.add_argument("--scale", type=int, choices=range(1, 9), default=4, help="size of the drawing (4)")
    parser.add_argument("--hr", metavar="FILE", help="also write the drawing before it is reduced")
    parser.add_argument("output", help="PNG to write")
    options = parser.parse_args()
    width, height = options.size
    original = to_bytes(draw(width * options.scale, height * options.scale))
    small = original
    if options.scale > 1:
        small = to_bytes(reduce(original.astype(np.float64) / 255, width, height))
    try:
        if options.hr:
            write_png(options.hr, original)
        write_png(options.output, small)
    except OSError as error:
        sys.exit(f"error: {error.filename}: {error.strerror}")


if __name__ == "__main__":
    main()
