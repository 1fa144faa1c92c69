#!/usr/bin/env python3
"""trim_runpath.py FILE: leaves only the $ORIGIN entries in an ELF file's library search path.

The linker also writes absolute folders of the machine it ran on there. They are cut off in place,
without moving a byte: entries in front by letting the path begin later, entries behind by ending
it earlier. The file must be 64-bit little-endian ELF, as it is on x86-64 and AArch64 Linux.
"""

import struct
import sys

PT_LOAD, PT_DYNAMIC = 1, 2
DT_STRTAB, DT_RPATH, DT_RUNPATH = 5, 15, 29


def program_headers(data):
    """(type, file offset, address, size in the file) of every segment."""
    (start,) = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    for index in range(count):
        kind, _, offset, address, _, length = struct.unpack_from("<IIQQQQ", data, start + index * size)
        yield kind, offset, address, length


def trim(data):
    """Changes `data` in place; returns the search path that is left."""
    if data[:6] != b"\x7fELF\x02\x01":
        raise ValueError("not a 64-bit little-endian ELF file")
    segments = list(program_headers(data))
    _, dynamic, _, length = next(s for s in segments if s[0] == PT_DYNAMIC)
    entries = {}
    for position in range(dynamic, dynamic + length, 16):
        tag, value = struct.unpack_from("<QQ", data, position)
        entries.setdefault(tag, (position, value))
    table_address = entries[DT_STRTAB][1]
    table = next(
        offset + table_address - address
        for kind, offset, address, size in segments
        if kind == PT_LOAD and address <= table_address < address + size
    )
    tag = DT_RUNPATH if DT_RUNPATH in entries else DT_RPATH
    if tag not in entries:
        return ""
    position, begin = entries[tag]
    path = bytes(data[table + begin : data.index(0, table + begin)])
    folders = path.split(b":")
    first = next(i for i, folder in enumerate(folders) if folder.startswith(b"$ORIGIN"))
    last = first
    while last + 1 < len(folders) and folders[last + 1].startswith(b"$ORIGIN"):
        last += 1
    kept = b":".join(folders[first : last + 1])
    begin += sum(len(folder) + 1 for folder in folders[:first])
    struct.pack_into("<Q", data, position + 8, begin)
    data[table + begin + len(kept)] = 0
    return kept.decode()


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__.splitlines()[0])
    name = sys.argv[1]
    try:
        with open(name, "r+b") as file:
            data = bytearray(file.read())
            trim(data)
            file.seek(0)
            file.write(data)
    except (OSError, ValueError, KeyError, StopIteration, struct.error) as error:
        sys.exit(f"error: {name}: {error or 'no $ORIGIN in its library search path'}")


if __name__ == "__main__":
    main()
