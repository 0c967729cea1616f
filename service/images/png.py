"""Read the structure of a PNG file: check its chunks and find the compressed pixels, without decoding them.

    IHDR    width, height, bit depth, colour type, interlacing
    PLTE    the colours of a palette
    tRNS    transparency: an opacity for each colour of the palette, or one colour that is transparent
    IDAT    the pixels: scanlines, filtered, then compressed; one zlib stream, split into any number of chunks
    IEND    the end of the file

All other ancillary chunks (text, colour profiles, further frames of an animation) are skipped unread: they
cost no time and no memory, and cannot change the picture. A file is rejected if it is cut off, if a chunk
that is read has a wrong checksum or is out of order, or if a critical chunk (one whose name starts with an
upper-case letter) is unknown.

Source: W3C, Portable Network Graphics (PNG) Specification, third edition (ISO/IEC 15948).
"""

import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

SIGNATURE = b"\x89PNG\r\n\x1a\n"
# Signature, then length, name, content and checksum of the chunk IHDR.
FILE_HEADER = struct.Struct(">8xI4sIIBBBBBI")
CHUNK_HEADER = struct.Struct(">I4s")
# The colour types, with the samples per pixel and the bit depths that each may have: the others, 8 and 16.
GREY, COLOUR, INDEXED, GREY_ALPHA, COLOUR_ALPHA = 0, 2, 3, 4, 6
SAMPLES = {GREY: 1, COLOUR: 3, INDEXED: 1, GREY_ALPHA: 2, COLOUR_ALPHA: 4}
BIT_DEPTHS = {GREY: {1, 2, 4, 8, 16}, INDEXED: {1, 2, 4, 8}}
# The pass without interlacing, and those of Adam7: first column, first row, column step, row step.
SINGLE = ((0, 0, 1, 1),)
ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
# Most programs write chunks of 8 kB: a picture of 16 megapixels has at most 4,000 of them.
MAX_CHUNKS = 2**14
# Deflate's highest compression ratio: 258 bytes from two bits.
MAX_RATIO = 1032
# The stream is checked in pieces of this size: each inflates to 17 MB at most.
PIECE_BYTES = 2**14
TOO_SHORT = "it holds fewer pixels than its header says"


class Header(NamedTuple):
    """The fields of IHDR that vary."""

    width: int
    height: int
    bit_depth: int
    colour_type: int
    interlaced: int

    def inflated_bytes(self) -> int:
        """Return the length of all scanlines before compression, each with the byte that names its filter.

        >>> Header(28, 28, 8, GREY, 0).inflated_bytes(), Header(28, 28, 8, GREY, 1).inflated_bytes()
        (812, 837)
        """
        bits, passes = SAMPLES[self.colour_type] * self.bit_depth, ADAM7 if self.interlaced else SINGLE
        sizes = ((len(range(x, self.width, dx)), len(range(y, self.height, dy))) for x, y, dx, dy in passes)
        return sum(height * (1 + (width * bits + 7) // 8) for width, height in sizes if width)


class Chunks(NamedTuple):
    """The chunks that are read; palette and transparency are empty if there is no such chunk."""

    header: Header
    palette: bytes
    transparency: bytes
    idat: list[memoryview]

    def stream(self) -> bytes | memoryview:
        """Return the zlib stream of all IDAT chunks."""
        return self.idat[0] if len(self.idat) == 1 else b"".join(self.idat)

    def check_stream(self) -> None:
        """Inflate the stream in pieces; raises ValueError or zlib.error if it is too short or damaged."""
        inflate, missing = zlib.decompressobj(), self.header.inflated_bytes()
        pieces = (idat[i : i + PIECE_BYTES] for idat in self.idat for i in range(0, len(idat), PIECE_BYTES))
        for piece in pieces:
            if missing > 0 and not inflate.eof:
                missing -= len(inflate.decompress(piece))
        if missing > 0:
            raise ValueError(TOO_SHORT)

    def transparent_colour(self) -> list[int]:
        """Return the samples of the one transparent colour of a grey or colour picture that has tRNS.

        Samples of fewer than 8 bits are returned as levels from 0 to 255.
        """
        samples = SAMPLES[self.header.colour_type]
        if len(self.transparency) != 2 * samples:
            raise ValueError(f"its chunk tRNS must have {2 * samples} bytes, not {len(self.transparency)}")
        maximum = 2**self.header.bit_depth - 1
        scale = max(255 // maximum, 1)
        return [(sample & maximum) * scale for sample in struct.unpack(f">{samples}H", self.transparency)]


def read_header(png: bytes) -> Header:
    """Read IHDR from a file that starts with the PNG signature. Raises ValueError."""
    if len(png) < FILE_HEADER.size:
        raise ValueError("it ends before its header does")
    length, name, width, height, depth, colour, *methods, interlaced, crc = FILE_HEADER.unpack_from(png)
    if (length, name) != (13, b"IHDR") or zlib.crc32(png[12:29]) != crc:
        raise ValueError("its first chunk must be an IHDR of 13 bytes with the right checksum")
    if not width or not height:
        raise ValueError(f"its width and height must be at least 1, not {width} × {height}")
    if colour not in SAMPLES or depth not in BIT_DEPTHS.get(colour, {8, 16}):
        raise ValueError(f"PNG has no colour type {colour} with a bit depth of {depth}")
    if methods != [0, 0] or interlaced > 1:
        raise ValueError("its compression and filter method must be 0, and its interlace method 0 or 1")
    return Header(width, height, depth, colour, interlaced)


def read_chunks(png: bytes, header: Header) -> Chunks:
    """Read the chunks after the header. Raises ValueError for a file that is cut off or damaged."""
    idat: list[memoryview] = []
    single = {b"PLTE": b"", b"tRNS": b""}
    previous = b"IHDR"
    for name, content in _chunks(png):
        if name == b"IEND":
            break
        if name == b"IDAT":
            if idat and previous != name:
                raise ValueError("its IDAT chunks must follow one another, without other chunks between them")
            idat.append(content)
        elif name in single:
            if idat or single[name]:
                raise ValueError(f"its chunk {name.decode()} must come once, and before IDAT")
            single[name] = bytes(content)
        elif name[:1].isupper():
            raise ValueError(f"its critical chunk {name.decode()} is unknown")
        previous = name
    if MAX_RATIO * sum(map(len, idat)) < header.inflated_bytes():
        raise ValueError(TOO_SHORT)
    return Chunks(header, single[b"PLTE"], single[b"tRNS"], idat)


def _chunks(png: bytes) -> Iterator[tuple[bytes, memoryview]]:
    """Yield name and content of each chunk after the header, with verified checksums if they are read."""
    view, start = memoryview(png), FILE_HEADER.size
    for _ in range(MAX_CHUNKS):
        if start + 12 > len(png):
            raise ValueError("it ends before its chunk IEND")
        length, name = CHUNK_HEADER.unpack_from(png, start)
        end = start + 8 + length
        if not name.isalpha() or end + 4 > len(png):
            raise ValueError(
                f"its chunk at byte {start} has no valid name, or extends beyond the end of the file"
            )
        is_read = name[:1].isupper() or name == b"tRNS"
        if is_read and zlib.crc32(view[start + 4 : end]).to_bytes(4, "big") != view[end : end + 4]:
            raise ValueError(f"the checksum of its chunk {name.decode()} is wrong")
        yield name, view[start + 8 : end]
        start = end + 4
    raise ValueError(f"it has more than {MAX_CHUNKS} chunks")
