"""A file may be learnt from when its licence is known and permissive; what is unclear may not."""

from pathlib import Path

import pytest

from drafts.train.licences import (
    PERMISSIVE,
    UNKNOWN,
    Licences,
    header_of,
    is_allowed,
    licence_of_metadata,
    licence_of_text,
)

ROOT = Path(__file__).parents[3]
MIT = "Permission is hereby granted, free of charge, to any person obtaining a copy\nof this software"
BSD = "Redistribution and use in source and binary forms, with or without modification"
GPL = "This program is distributed under the terms of the GNU General Public\n License, version 3."


@pytest.mark.parametrize(
    ("expression", "allowed"),
    [
        ("MIT", True),
        ("GPL-3.0-only", False),
        ("MIT OR GPL-2.0-or-later", True),
        ("MIT AND GPL-2.0-or-later", False),
        ("GPL-2.0-only AND MIT OR Apache-2.0", True),
        ("GPL-2.0-only AND (MIT OR Apache-2.0)", False),
        ("(MIT)", True),
        ("Apache-2.0 WITH LLVM-exception", True),
        ("GPL-2.0-only WITH Classpath-exception-2.0", False),
        (UNKNOWN, False),
        ("", False),
        ("(MIT", False),
        ("MIT AND", False),
        ("MIT GPL-3.0", False),
        (")", False),
    ],
)
def test_expressions(expression: str, allowed: bool) -> None:
    assert is_allowed(expression, PERMISSIVE) is allowed


def test_licences_are_known_by_their_text() -> None:
    assert licence_of_text((ROOT / "LICENSE").read_text()) == "Apache-2.0"
    assert licence_of_text(MIT) == "MIT"
    assert licence_of_text(BSD) == "BSD-2-Clause"
    assert licence_of_text(BSD + " Neither the name of the author") == "BSD-3-Clause"
    assert licence_of_text(MIT + GPL) == "GPL"
    assert licence_of_text("All rights reserved.") == UNKNOWN


def test_metadata_names_the_licence_in_three_ways() -> None:
    assert (
        licence_of_metadata("Name: x\nLicense-Expression: MIT OR Apache-2.0\n\nbody") == "MIT OR Apache-2.0"
    )
    assert licence_of_metadata("Name: x\nLicense: MIT License\n") == "MIT"
    assert licence_of_metadata("License: Apache 2.0 License\n") == "Apache-2.0"
    assert licence_of_metadata("License: Apache License, Version 2.0\n") == "Apache-2.0"
    assert licence_of_metadata("Classifier: License :: OSI Approved :: BSD License\n") == "BSD-3-Clause"
    assert licence_of_metadata("Name: x\n\nLicense: MIT\n") == UNKNOWN  # in the description
    both = "License: MIT\nClassifier: License :: OSI Approved :: GNU General Public License v3 (GPLv3)\n"
    assert licence_of_metadata(both) == UNKNOWN


def test_the_header_of_a_file() -> None:
    assert header_of("# SPDX-License-Identifier: MIT OR ISC\nx = 1") == "MIT OR ISC"
    assert header_of("x = 1") is None
    assert header_of("x" * 5_000 + "SPDX-License-Identifier: MIT") is None


def test_the_nearest_evidence_counts(tmp_path: Path) -> None:
    (tmp_path / "vendored").mkdir()
    (tmp_path / "LICENSE").write_text(MIT)
    (tmp_path / "vendored" / "COPYING").write_text(GPL)
    licences = Licences(tmp_path)
    assert licences.of(tmp_path / "a.py", "x = 1") == "MIT"
    assert licences.of(tmp_path / "vendored" / "b.py", "x = 1") == "GPL"
    assert licences.of(tmp_path / "vendored" / "b.py", "# SPDX-License-Identifier: ISC") == "ISC"


def test_a_licence_above_the_folder_counts_inside_a_repository_only(tmp_path: Path) -> None:
    inside = tmp_path / "project" / "source"
    inside.mkdir(parents=True)
    (tmp_path / "LICENSE").write_text(MIT)
    assert Licences(inside).of(inside / "a.py", "") == UNKNOWN
    (tmp_path / ".git").mkdir()
    assert Licences(inside).of(inside / "a.py", "") == "MIT"


def test_installed_files_have_their_packages_licence(tmp_path: Path) -> None:
    for name, licence in (("good", "MIT"), ("bad", "GPL-3.0-only")):
        info = tmp_path / f"{name}-1.dist-info"
        info.mkdir()
        (tmp_path / name).mkdir()
        (info / "METADATA").write_text(f"Name: {name}\nLicense-Expression: {licence}\n")
        (info / "RECORD").write_text(f"{name}/a.py,sha256=x,1\n{name}-1.dist-info/METADATA,,\n")
    (tmp_path / "LICENSE").write_text(MIT)  # some package's, dropped in the wrong place
    (tmp_path / "nobodys").mkdir()
    licences = Licences(tmp_path)
    assert licences.of(tmp_path / "good" / "a.py", "") == "MIT"
    assert licences.of(tmp_path / "bad" / "a.py", "") == "GPL-3.0-only"
    assert Licences(tmp_path / "good").of(tmp_path / "good" / "a.py", "") == "MIT"
    assert licences.of(tmp_path / "nobodys" / "a.py", "") == UNKNOWN
