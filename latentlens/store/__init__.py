"""Files: what a lens knows, written and read without trusting what is read.

A file is a zip of ``manifest.json`` and ``arrays/0.npy``, ``arrays/1.npy``, ...
The manifest has ``format`` ("latentlens"), ``version`` (a whole number), ``by``
(what wrote it), ``arrays`` (dtype, shape and CRC-32 of each array's bytes) and
``content``: nested facts in which ``{"$array": 3}`` stands for ``arrays/3.npy``, and
a key that is called so itself has one more "$" before.
"""

from latentlens.store.archive import (
    VERSION,
    WrongFile,
    read_archive,
    refusing,
    write_archive,
)
from latentlens.store.columns import column_parts, read_columns
from latentlens.store.parts import Parts
from latentlens.store.pictures import KeptPictures, picture_parts, read_pictures
from latentlens.store.records import (
    ranking_parts,
    read_ranking,
    read_record,
    record_parts,
)
from latentlens.store.target import check_source, check_target, write_whole

__all__ = [
    "VERSION",
    "KeptPictures",
    "Parts",
    "WrongFile",
    "check_source",
    "check_target",
    "column_parts",
    "picture_parts",
    "ranking_parts",
    "read_archive",
    "read_columns",
    "read_pictures",
    "read_ranking",
    "read_record",
    "record_parts",
    "refusing",
    "write_archive",
    "write_whole",
]
