"""Render MNIST digits as drawings, scans and photos: each kind is a function of a digit and an rng.

A photo is made in the order in which it comes about:

    ink       the digit's own strokes enlarged, or redrawn with another pen (pens.py)
    sheet     what it is written on: paper with grain, squares, rules or a frame, the edge of a table
    light     the sheet times a field of light: gradients, vignetting, the shadow of a hand
    camera    rotation, blur, noise, JPEG

The same seed gives the same pictures, byte for byte, with the same releases of NumPy and Pillow.
"""

import io
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter

from benchmarks.accuracy.pens import Grey, draw, middle_lines

Field = npt.NDArray[np.float32]
Render = Callable[[Grey, np.random.Generator], Image.Image]


def png(image: Image.Image) -> bytes:
    """Encode a picture as PNG."""
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=1)
    return file.getvalue()


def drawing(digit: Grey, rng: np.random.Generator, pen: tuple[float, float], sides: tuple[int, int]) -> Grey:
    """Return ink (height, width): the digit with a pen whose width is a share of its length, off-centre."""
    side = int(rng.integers(*sides))
    length = side * rng.uniform(0.45, 0.85)
    ink = draw(middle_lines(digit), (side, side), length, max(length * rng.uniform(*pen), 1))
    return _moved(ink, rng)


def enlarged(digit: Grey, rng: np.random.Generator, sides: tuple[int, int]) -> Grey:
    """Return ink (height, width): the digit's own strokes, smooth, somewhere on a square sheet."""
    side = int(rng.integers(*sides))
    length = int(side * rng.uniform(0.7, 1.1))
    large = np.asarray(Image.fromarray(digit).resize((length, length), Image.Resampling.BICUBIC)).astype(int)
    ink = np.clip((large - 127) * max(length // 40, 1) + 127, 0, 255).astype(np.uint8)
    sheet = np.zeros((max(side, length),) * 2, np.uint8)
    start = (len(sheet) - length) // 2
    sheet[start : start + length, start : start + length] = ink
    return _moved(sheet, rng)


def _moved(ink: Grey, rng: np.random.Generator) -> Grey:
    """Shift the ink by up to its own margins, less a twentieth of the sheet."""
    shifts = []
    for axis in (0, 1):
        with_ink = np.flatnonzero(ink.any(axis=1 - axis))
        before, after = with_ink[0], len(ink) - 1 - with_ink[-1]
        least = len(ink) // 20
        low, high = min(0, least - before), max(0, after - least)
        shifts.append(int(rng.integers(low, high + 1)))
    return np.roll(ink, shifts, (0, 1))


def _photographed(ink: Grey, sheet: Field, rng: np.random.Generator, strength: float) -> Image.Image:
    """Put ink on a sheet (0 to 255), under uneven light, through a phone's camera."""
    side = len(ink)
    picture = sheet * (1 - strength * ink.astype(np.float32) / 255) * light(side, rng)
    image = Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8))
    image = image.filter(ImageFilter.GaussianBlur(side / 400 * rng.uniform(0.3, 1)))
    grain = rng.normal(0, rng.uniform(1.5, 4), (side, side))
    return jpeg(np.clip(np.asarray(image) + grain, 0, 255).astype(np.uint8), int(rng.integers(40, 90)))


def light(side: int, rng: np.random.Generator) -> Field:
    """Return a field of light (side, side): a slope, darker corners, and in half of all a hand's shadow."""
    y, x = np.meshgrid(*[np.linspace(-1, 1, side, dtype=np.float32)] * 2, indexing="ij")
    slope_x, slope_y = rng.uniform(-0.25, 0.25, 2)
    field = (1 + slope_x * x + slope_y * y) * (1 - rng.uniform(0, 0.25) * (x**2 + y**2) / 2)
    angle, start, softness = rng.uniform(0, 2 * np.pi), rng.uniform(-0.6, 0.8), rng.uniform(0.03, 0.3)
    across = x * np.cos(angle) + y * np.sin(angle) + 0.15 * np.sin(3 * (x - y))
    shadow = 1 / (1 + np.exp(-(across - start) / softness))
    return np.asarray(field * (1 - rng.choice([0, rng.uniform(0.2, 0.5)]) * shadow), np.float32)


def jpeg(picture: Grey, quality: int) -> Image.Image:
    """Return the picture after a JPEG of that quality."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=quality)
    return Image.open(file).convert("L")


def paper(side: int, rng: np.random.Generator, low: float = 120, high: float = 235) -> Field:
    """Return a sheet of one brightness with a grain."""
    coarse = Image.fromarray(rng.normal(0, 2, (side // 12 + 1,) * 2).astype(np.float32))
    grain = np.asarray(coarse.resize((side, side), Image.Resampling.BICUBIC))
    return np.asarray(rng.uniform(low, high) + grain, np.float32)


def lined(
    side: int, rng: np.random.Generator, *, squared: bool, contrast: tuple[float, float] = (0.15, 0.45)
) -> Field:
    """Return ruled or squared paper, its lines a share darker than the paper, turned by a few degrees."""
    reach = int(side * 1.5)
    image = Image.new("L", (reach, reach))
    pen, step = ImageDraw.Draw(image), side / rng.uniform(4, 14)
    thickness = max(round(side / 300 * rng.uniform(0.7, 1.6)), 1)
    for at in np.arange(rng.uniform(0, step), reach, step):
        pen.line([0, at, reach, at], 255, thickness)
        if squared:
            pen.line([at, 0, at, reach], 255, thickness)
    image = image.rotate(rng.uniform(-8, 8), Image.Resampling.BILINEAR)
    start = (reach - side) // 2
    lines = np.asarray(image.crop((start, start, start + side, start + side)))
    darkening = np.float32(rng.uniform(*contrast) / 255) * lines.astype(np.float32)
    return paper(side, rng, 150) * (1 - darkening)


def _turned(ink: Grey, rng: np.random.Generator, degrees: float) -> Grey:
    """Rotate ink, and tilt it by a slight perspective."""
    side = len(ink)
    image = Image.fromarray(ink).rotate(rng.uniform(-degrees, degrees), Image.Resampling.BICUBIC)
    tilt = rng.uniform(-0.15, 0.15, 2) / side
    shear = 1 + tilt.sum() * side / 2
    return np.asarray(
        image.transform(
            (side, side),
            Image.Transform.PERSPECTIVE,
            (shear, 0, 0, 0, shear, 0, *tilt),
            Image.Resampling.BICUBIC,
        )
    )


# Kinds ------------------------------------------------------------------------------------------------------

PEN, MARKER, HAIRLINE = (0.05, 0.12), (0.14, 0.2), (0.003, 0.012)


def hairline(digit: Grey, rng: np.random.Generator) -> Image.Image:
    """Draw with a mouse: 1 to 4 pixels wide on a canvas of 280 to 500."""
    return Image.fromarray(255 - drawing(digit, rng, HAIRLINE, (280, 500)))


def pen(digit: Grey, rng: np.random.Generator) -> Image.Image:
    """Draw in black on a white canvas."""
    return Image.fromarray(255 - drawing(digit, rng, PEN, (200, 500)))


def marker(digit: Grey, rng: np.random.Generator) -> Image.Image:
    """Draw with a broad pen."""
    return Image.fromarray(255 - drawing(digit, rng, MARKER, (200, 500)))


def white_on_black(digit: Grey, rng: np.random.Generator) -> Image.Image:
    """Draw in white on a black canvas, without anti-aliasing."""
    return Image.fromarray((drawing(digit, rng, PEN, (100, 500)) > 127).astype(np.uint8) * 255)


def transparent(digit: Grey, rng: np.random.Generator) -> Image.Image:
    """Draw in a dark or a light colour on a transparent canvas."""
    ink = drawing(digit, rng, PEN, (150, 500))
    colour = rng.integers(0, 90, 3) if rng.random() < 0.5 else rng.integers(180, 256, 3)
    return Image.fromarray(
        np.dstack([*np.broadcast_to(colour, (*ink.shape, 3)).transpose(2, 0, 1), ink]).astype(np.uint8)
    )


def screenshot(digit: Grey, rng: np.random.Generator) -> Image.Image:
    """Draw on a light canvas and save with a palette of 16 colours."""
    ink = drawing(digit, rng, PEN, (150, 400))
    return Image.fromarray((245 - ink * 0.8).astype(np.uint8)).convert("RGB").quantize(16)


def tiny(digit: Grey, rng: np.random.Generator) -> Image.Image:
    """Draw on a canvas of 28 to 64 pixels, in either polarity."""
    ink = drawing(digit, rng, PEN, (28, 64))
    return Image.fromarray(ink if rng.random() < 0.5 else 255 - ink)


def tiny_jpeg(digit: Grey, rng: np.random.Generator) -> Image.Image:
    """Save an MNIST image, black on white, as JPEG."""
    return jpeg(255 - digit, int(rng.integers(50, 90)))


def off_centre(digit: Grey, rng: np.random.Generator) -> Image.Image:
    """Move an MNIST image's digit to an edge."""
    return Image.fromarray(np.roll(digit, rng.integers(-3, 4, 2), (0, 1)))


def full_frame(digit: Grey, rng: np.random.Generator) -> Image.Image:
    """Enlarge the digit to fill the 28 × 28 pixels, in either polarity."""
    rows, columns = (np.flatnonzero(digit.any(axis=axis)) for axis in (1, 0))
    box = (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
    factor = 28 / max(box[2] - box[0], box[3] - box[1])
    size = (round((box[2] - box[0]) * factor), round((box[3] - box[1]) * factor))
    image = Image.new("L", (28, 28))
    inside = Image.fromarray(digit).crop(box).resize(size, Image.Resampling.BICUBIC)
    image.paste(inside, ((28 - size[0]) // 2, (28 - size[1]) // 2))
    return image if rng.random() < 0.5 else Image.eval(image, lambda level: 255 - level)


def cropped(digit: Grey, rng: np.random.Generator) -> Image.Image:
    """Draw with a pen, and crop to the digit."""
    ink = drawing(digit, rng, (0.07, 0.15), (100, 400))
    rows, columns = (np.flatnonzero(ink.any(axis=axis)) for axis in (1, 0))
    return Image.fromarray(255 - ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])


def scan(digit: Grey, rng: np.random.Generator) -> Image.Image:
    """Scan a sheet: off-white, grainy, slightly blurred, with specks."""
    ink = np.maximum(enlarged(digit, rng, (60, 400)), 0)
    page = rng.uniform(225, 250) - ink * rng.uniform(0.5, 0.9)
    specks = rng.random(page.shape) < 0.0004
    page[specks] -= 120
    image = Image.fromarray(np.clip(page, 0, 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(0.8))
    noisy = np.asarray(image) + rng.normal(0, 3, page.shape)
    return Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))


def bilevel_scan(digit: Grey, rng: np.random.Generator) -> Image.Image:
    """Scan a form's field in black and white: ragged edges, specks, part of a line of the form."""
    ink = enlarged(digit, rng, (100, 300))
    flipped = rng.random(ink.shape) < 0.002
    ragged = ink + rng.normal(0, 45, ink.shape) > 127
    if rng.random() < 0.5:
        ragged[-max(len(ink) // 60, 1) :] = True
    return Image.fromarray(np.where(ragged ^ flipped, 0, 255).astype(np.uint8)).convert("1")


def form_box(digit: Grey, rng: np.random.Generator) -> Image.Image:
    """Draw in a printed frame."""
    ink = Image.fromarray(drawing(digit, rng, PEN, (150, 400)))
    rows, columns = (np.flatnonzero(np.asarray(ink).any(axis=axis)) for axis in (1, 0))
    gap = ink.width // 30
    box = [columns[0] - gap, rows[0] - gap, columns[-1] + gap, rows[-1] + gap]
    page = Image.new("L", (ink.width + 40, ink.height + 40))
    page.paste(ink, (20, 20))
    ImageDraw.Draw(page).rectangle(
        [int(edge) + 20 for edge in box], outline=255, width=max(ink.width // 120, 1)
    )
    level = rng.uniform(0.5, 1)
    return Image.fromarray((250 - np.asarray(page) * level * 0.9).astype(np.uint8))


def photo(digit: Grey, rng: np.random.Generator) -> Image.Image:
    """Photograph plain paper, white to grey."""
    ink = _turned(drawing(digit, rng, PEN, (250, 900)), rng, 15)
    return _photographed(ink, paper(len(ink), rng), rng, rng.uniform(0.5, 0.9))


def photo_of_pencil(digit: Grey, rng: np.random.Generator) -> Image.Image:
    """Photograph a grainy pencil drawing on grey paper."""
    ink = _turned(drawing(digit, rng, (0.03, 0.06), (250, 900)), rng, 15)
    grainy = (ink * rng.uniform(0.5, 1, ink.shape)).astype(np.uint8)
    return _photographed(grainy, paper(len(ink), rng, 110, 200), rng, rng.uniform(0.3, 0.55))


def photo_from_afar(digit: Grey, rng: np.random.Generator) -> Image.Image:
    """Photograph a digit that is small in a large frame, with felt-tip."""
    side = int(rng.integers(1000, 3000))
    small = int(side * rng.uniform(0.12, 0.3))
    ink = np.zeros((side, side), np.uint8)
    row, column = (int(rng.uniform(0.2, 0.8) * (side - small)) for _ in range(2))
    ink[row : row + small, column : column + small] = draw(
        middle_lines(digit), (small, small), small * 0.9, small * rng.uniform(0.08, 0.14)
    )
    return _photographed(ink, paper(side, rng), rng, rng.uniform(0.6, 0.9))


def photo_of_squares(digit: Grey, rng: np.random.Generator) -> Image.Image:
    """Photograph squared paper."""
    ink = _turned(drawing(digit, rng, PEN, (300, 900)), rng, 10)
    return _photographed(ink, lined(len(ink), rng, squared=True), rng, rng.uniform(0.6, 0.9))


def photo_of_rules(digit: Grey, rng: np.random.Generator) -> Image.Image:
    """Photograph ruled paper whose lines are nearly as dark as the ink."""
    ink = _turned(drawing(digit, rng, PEN, (300, 900)), rng, 10)
    sheet = lined(len(ink), rng, squared=False, contrast=(0.3, 0.7))
    return _photographed(ink, sheet, rng, rng.uniform(0.6, 0.9))


def photo_with_edges(digit: Grey, rng: np.random.Generator) -> Image.Image:
    """Photograph a sheet that does not fill the frame: table at two edges, or a thumb in a corner."""
    ink = _turned(drawing(digit, rng, PEN, (300, 900)), rng, 10)
    ink = np.pad(ink, len(ink) // 8)
    side = len(ink)
    page = Image.fromarray(paper(side, rng, 150).astype(np.uint8))
    brush, shade = ImageDraw.Draw(page), int(rng.integers(20, 110))
    if rng.random() < 0.5:
        slope = rng.uniform(-0.03, 0.03) * side
        brush.polygon([(0, 0), (side, 0), (side, side * 0.04 + slope), (0, side * 0.04 - slope)], fill=shade)
        brush.polygon([(0, 0), (side * 0.05 + slope, 0), (side * 0.05 - slope, side), (0, side)], fill=shade)
    else:
        radius = side * rng.uniform(0.06, 0.1)
        brush.ellipse([-radius, side - radius, radius, side + 2 * radius], fill=shade)
    sheet = np.asarray(page.filter(ImageFilter.GaussianBlur(side / 300)), np.float32)
    return _photographed(ink, sheet, rng, rng.uniform(0.6, 0.9))


def chalk(digit: Grey, rng: np.random.Generator) -> Image.Image:
    """Photograph chalk on a blackboard."""
    ink = _turned(drawing(digit, rng, PEN, (250, 900)), rng, 10)
    return Image.eval(_photographed(ink, paper(len(ink), rng, 180, 230), rng, 0.7), lambda level: 255 - level)


def mnist(digit: Grey, rng: np.random.Generator) -> Image.Image:  # noqa: ARG001 - a kind like the others
    """Return the image as it is, for comparison with the other kinds."""
    return Image.fromarray(digit)


KINDS: dict[str, Render] = {
    render.__name__.replace("_", " "): render
    for render in (
        *(mnist, off_centre, full_frame, tiny_jpeg, tiny),
        *(hairline, pen, marker, white_on_black, transparent, screenshot, cropped, form_box),
        *(scan, bilevel_scan, photo, photo_of_pencil, photo_from_afar),
        *(photo_of_squares, photo_of_rules, photo_with_edges, chalk),
    )
}
