"""Numbers that Python and C++ both compute, so that no input is stored. Twin: tests/golden/formula.cpp."""

import zlib

MASK = 0xFFFFFFFF


def hash_of(seed, i):
    """32 bits for element i of the sequence `seed` (the mixer "lowbias32" of C. Wellons)."""
    h = (seed * 0x9E3779B9 + i) & MASK
    h ^= h >> 16
    h = (h * 0x7FEB352D) & MASK
    h ^= h >> 15
    h = (h * 0x846CA68B) & MASK
    return h ^ (h >> 16)


def real(seed, i, lo, hi):
    """In [lo, hi), 20 bits: exact in f32 for small dyadic bounds; no two of 1024 neighbours are equal."""
    m = (hash_of(seed, i) & 1023) << 10 | (i & 1023)
    return lo + (hi - lo) * (m / 1048576)


def integer(seed, i, lo, hi):
    """In [lo, hi)."""
    return lo + hash_of(seed, i) % (hi - lo)


def seed_of(text):
    """A seed from a name."""
    return zlib.crc32(text.encode())


# (seed, i, lo, hi), checked on both sides: the bits, the real, the integer.
KNOWN = [(0, 0, -2, 2), (1, 0, -2, 2), (1, 1, -2, 2), (12345, 678, 0, 1), (4294967295, 1023, -8, 8)]

if __name__ == "__main__":  # the rows of tests/golden/formula_test.cpp
    for row in KNOWN:
        print(row, hex(hash_of(*row[:2])), real(*row), integer(*row))
