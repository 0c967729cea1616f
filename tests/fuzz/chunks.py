"""Split PNG files into chunks, join them again, and mutate them in their structure.

A changed chunk gets a correct checksum, and changed pixels are compressed again. Without that, the first
check would reject nearly every mutation, and the code behind it would never be reached.
"""

import random
import struct
import zlib
from collections.abc import Callable

SIGNATURE = b"\x89PNG\r\n\x1a\n"
KINDS = [b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"acTL", b"fcTL", b"fdAT", b"tEXt", b"zTXt", b"iTXt"]
KINDS += [b"iCCP", b"gAMA", b"sRGB", b"pHYs", b"eXIf", b"sBIT", b"ABCD", b"abcd"]
MOST_INFLATED = 2**18
Chunk = tuple[bytes, bytes]  # name, content


def chunk(kind: bytes, content: bytes) -> bytes:
    """Return a chunk."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def header(width: int, height: int, depth: int = 8, colour: int = 0, interlaced: int = 0) -> bytes:
    """Return signature and header."""
    return SIGNATURE + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced))


def join(chunks: list[Chunk]) -> bytes:
    """Return the file with the given chunks."""
    return SIGNATURE + b"".join(chunk(*each) for each in chunks)


def split(png: bytes) -> list[Chunk]:
    """Return the chunks of a file, as far as they can be read; checksums are ignored."""
    chunks: list[Chunk] = []
    at = len(SIGNATURE)
    while at + 12 <= len(png) and len(chunks) < 64:
        length = min(int.from_bytes(png[at : at + 4], "big"), len(png) - at - 12)
        chunks.append((png[at + 4 : at + 8], png[at + 8 : at + 8 + length]))
        at += 12 + length
    return chunks


def mutated(png: bytes, rng: random.Random, scramble: Callable[[bytes], bytes]) -> bytes:
    """Mutate a file in one to three places; `scramble` mutates bytes without structure."""
    chunks = split(png)
    if not png.startswith(SIGNATURE) or not chunks:
        return scramble(png)
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(chunks))
        kind, content = chunks[at]
        match rng.randrange(8):
            case 0:
                chunks.insert(rng.randrange(len(chunks) + 1), (rng.choice(KINDS), content[:300]))
            case 1 if len(chunks) > 1:
                del chunks[at]
            case 2:
                other = rng.randrange(len(chunks))
                chunks[at], chunks[other] = chunks[other], chunks[at]
            case 3:
                cut = rng.randrange(len(content) + 1)
                chunks[at : at + 1] = [(kind, content[:cut]), (kind, content[cut:])]
            case 4 if len(chunks[0][1]) == 13:
                chunks[0] = (chunks[0][0], _other_header(chunks[0][1], rng))
            case 5 | 6:
                chunks = _other_pixels(chunks, rng, scramble)
            case _:
                chunks[at] = (kind, scramble(content))
    written = join(chunks)
    return scramble(written) if rng.random() < 0.1 else written


def _other_header(content: bytes, rng: random.Random) -> bytes:
    fields = list(struct.unpack(">IIBBBBB", content))
    at = rng.choice([0, 1, 2, 3, 6, rng.randrange(7)])
    match at:
        case 0 | 1:
            fields[at] = rng.choice([1, 2, 5, 7, 8, 9, 28, 33, 280, rng.randrange(2**9), 2**31 - 1])
        case 2:
            fields[at] = rng.choice([1, 2, 4, 8, 16])
        case 3:
            fields[at] = rng.choice([0, 2, 3, 4, 6])
        case _:
            fields[at] = rng.choice([0, 1, 2, 255])
    return struct.pack(">IIBBBBB", *fields)


def _other_pixels(chunks: list[Chunk], rng: random.Random, scramble: Callable[[bytes], bytes]) -> list[Chunk]:
    """Inflate the pixels, mutate them, and write them compressed again in place of the first IDAT."""
    places = [at for at, (kind, _) in enumerate(chunks) if kind == b"IDAT"]
    if not places:
        return chunks
    try:
        pixels = zlib.decompressobj().decompress(b"".join(chunks[at][1] for at in places), MOST_INFLATED)
    except zlib.error:
        pixels = rng.randbytes(100)
    match rng.randrange(3):
        case 0:
            pixels = scramble(pixels)
        case 1:
            pixels = pixels * 2 + bytes(rng.randrange(3000))
        case _:
            pixels = pixels[: rng.randrange(len(pixels) + 1)]
    rest = [each for at, each in enumerate(chunks) if at not in places]
    return [*rest[: places[0]], (b"IDAT", zlib.compress(pixels, rng.choice([0, 1, 9]))), *rest[places[0] :]]
