from __future__ import annotations

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tools.licences import ROOT, installed_packages, is_allowed, run_time_names


@pytest.mark.parametrize(
    "licence",
    [
        "MIT",
        "BSD License",
        "Apache-2.0 WITH LLVM-exception AND 0BSD",
        "Apache-2.0 OR GPL-2.0-only",
        "LGPL-3.0-only",
        "GNU Lesser General Public License v3 (LGPLv3)",
        "Mozilla Public License 2.0 (MPL 2.0)",
    ],
)
def test_licences_up_to_lgpl_are_allowed(licence: str) -> None:
    assert is_allowed(licence)


@pytest.mark.parametrize(
    "licence",
    [
        "GPL-3.0-or-later",
        "GNU General Public License v3 (GPLv3)",
        "AGPL-3.0-only",
        "SSPL-1.0",
        "BUSL-1.1",
        "MIT AND GPL-2.0-only",
        "MIT License; GNU General Public License (GPL)",
        "UNKNOWN",
    ],
)
def test_stronger_and_unknown_licences_are_refused(licence: str) -> None:
    assert not is_allowed(licence)


def test_every_package_that_runs_with_a_shop_may_be_shipped() -> None:
    packages = [package for package in installed_packages() if package.run_time]
    assert len(packages) > 50
    assert [package for package in packages if not is_allowed(package.licence)] == []


def test_the_lock_pins_every_package_that_runs_with_a_shop() -> None:
    lines = (ROOT / "requirements.lock").read_text("utf-8").splitlines()
    pinned = {canonicalize_name(Requirement(line).name) for line in lines if line and not line.startswith("#")}
    # pip freeze leaves out setuptools, which comes with every environment.
    assert run_time_names() - pinned == {"setuptools"}
