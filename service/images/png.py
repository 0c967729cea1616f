"""What a PNG file says, chunk by chunk (W3C, Portable Network Graphics, third edition; ISO/IEC 15948).

    IHDR        width, height, bits of a sample, kind of colour, interlaced or not
    PLTE        the palette's colours
    tRNS        what is transparent
    IDAT, …     the pixels: rows, filtered and deflated, one stream in as many chunks as there are
    IEND        the end

Nothing else in a file is read: no text, no profile, none of an animation's further frames. So nothing else
can take time or memory, or change what is seen. What is read must be whole, in its order, with the right
checksum.
"""

import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

SIGNATURE = b"\x89PNG\r\n\x1a\n"
IHDR = struct.Struct(">8xI4sIIBBBBBI")
CHUNK = struct.Struct(">I4s")
CHECKSUM = struct.Struct(">I")
# By the kind of colour: how many samples a pixel has, and of how many bits they may be.
GREY, COLOUR, INDEXED, GREY_ALPHA, COLOUR_ALPHA = 0, 2, 3, 4, 6
SAMPLES = {GREY: 1, COLOUR: 3, INDEXED: 1, GREY_ALPHA: 2, COLOUR_ALPHA: 4}
DEPTHS = {GREY: {1, 2, 4, 8, 16}, INDEXED: {1, 2, 4, 8}}
DEEP = {8, 16}
# Interlacing (Adam7): each pass's first column and row, and its steps.
PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
# 16 megapixels in chunks of 8 kB, as most programs write them, are 4,000 at most.
MOST_CHUNKS = 2**14
# What a byte can become at most: 258 bytes for two bits.
MOST_INFLATED = 1032
# The stream of pixels is measured in pieces, of which no more than this is inflated at once.
PIECE_BYTES = 2**14
STEP_BYTES = 2**16


class Header(NamedTuple):
    """What IHDR says."""

    width: int
    height: int
    depth: int
    colour: int
    interlaced: int

    def row_bytes(self, pixels: int) -> int:
        """Return how long a row of so many pixels is, with the byte that names its filter."""
        return 1 + (pixels * SAMPLES[self.colour] * self.depth + 7) // 8

    def all_bytes(self) -> int:
        """Return how many bytes the picture's rows have before they are deflated.

        >>> Header(28, 28, 8, GREY, 0).all_bytes(), Header(28, 28, 8, GREY, 1).all_bytes()
        (812, 837)
        """
        if not self.interlaced:
            return self.height * self.row_bytes(self.width)
        sizes = (
            (len(range(column, self.width, right)), len(range(row, self.height, down)))
            for column, row, right, down in PASSES
        )
        return sum(height * self.row_bytes(width) for width, height in sizes if width)


class Png(NamedTuple):
    """A file that is whole: header, palette (3 bytes a colour), tRNS, and the deflated rows in parts."""

    header: Header
    palette: bytes
    transparency: bytes
    parts: list[memoryview]

    def rows(self) -> bytes | memoryview:
        """Return the deflated rows in one."""
        return self.parts[0] if len(self.parts) == 1 else b"".join(self.parts)

    def measure(self) -> None:
        """Inflate as many bytes as the picture needs, keeping none; raises ValueError if there are fewer."""
        inflate, needed = zlib.decompressobj(), self.header.all_bytes()
        for part in self.parts:
            for start in range(0, len(part), PIECE_BYTES):
                piece: bytes | memoryview = part[start : start + PIECE_BYTES]
                got = STEP_BYTES
                while got == STEP_BYTES and needed > 0:
                    got = len(inflate.decompress(piece, STEP_BYTES))
                    needed -= got
                    piece = inflate.unconsumed_tail
                if needed <= 0:
                    return
                if inflate.eof:
                    raise _too_short()
        raise _too_short()

    def clear_colour(self) -> tuple[int, ...]:
        """Return the samples of the one colour that is transparent, where tRNS is of that kind."""
        samples = SAMPLES[self.header.colour]
        if len(self.transparency) != 2 * samples:
            raise ValueError("its chunk tRNS is of a wrong length")
        return tuple(
            sample % 2**self.header.depth for sample in struct.unpack(f">{samples}H", self.transparency)
        )


def read_header(png: bytes) -> Header:
    """Read what stands at the start of a file with the PNG signature. Raises ValueError."""
    if len(png) < IHDR.size:
        raise ValueError("it ends before its header does")
    length, kind, width, height, depth, colour, *methods, interlaced, crc = IHDR.unpack_from(png)
    if (length, kind) != (13, b"IHDR") or zlib.crc32(png[12:29]) != crc:
        raise ValueError("it does not begin with a whole header")
    if not width or not height:
        raise ValueError("its width or height is 0")
    if colour not in SAMPLES or depth not in DEPTHS.get(colour, DEEP):
        raise ValueError(f"there is no colour type {colour} with {depth} bits")
    if methods != [0, 0] or interlaced > 1:
        raise ValueError("it is packed in a way that no PNG is")
    return Header(width, height, depth, colour, interlaced)


def read(png: bytes, header: Header) -> Png:
    """Read a file of which the header is known. Raises ValueError or zlib.error for one that is broken."""
    parts: list[memoryview] = []
    once = {b"PLTE": b"", b"tRNS": b""}
    before = b"IHDR"
    for kind, content in _chunks(png):
        if kind == b"IEND":
            break
        if kind == b"IDAT":
            if parts and before != kind:
                raise ValueError("its pixels are in chunks that are apart")
            parts.append(content)
        elif kind in once:
            if parts or once[kind]:
                raise ValueError(f"its chunk {kind.decode()} is not where it must be")
            once[kind] = bytes(content)
        elif kind[:1].isupper():
            raise ValueError(f"its chunk {kind.decode()} must be understood, and is not")
        before = kind
    if MOST_INFLATED * sum(map(len, parts)) < header.all_bytes():
        raise _too_short()
    return Png(header, once[b"PLTE"], once[b"tRNS"], parts)


def _chunks(png: bytes) -> Iterator[tuple[bytes, memoryview]]:
    """Yield the chunks after the header up to IEND, their checksums verified where their content matters."""
    view, at = memoryview(png), IHDR.size
    for _ in range(MOST_CHUNKS):
        if at + 12 > len(png):
            raise ValueError("it ends early")
        length, kind = CHUNK.unpack_from(png, at)
        end = at + 8 + length
        if not kind.isalpha() or end + 4 > len(png):
            raise ValueError("a chunk has no name, or ends after the file does")
        matters = kind[:1].isupper() or kind == b"tRNS"
        if matters and CHECKSUM.unpack_from(png, end)[0] != zlib.crc32(view[at + 4 : end]):
            raise ValueError(f"its chunk {kind.decode()} has another checksum than it says")
        yield kind, view[at + 8 : end]
        at = end + 4
    raise ValueError(f"it has more than {MOST_CHUNKS} chunks")


def _too_short() -> ValueError:
    return ValueError("it has fewer pixels than its header says")
