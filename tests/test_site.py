"""The documentation site's sources: what they name is what there is."""

import re

from processes import ROOT

import skrnn
import skrnn.cells
import skrnn.inspection

SITE = ROOT / "examples" / "site"


def test_api_reference_lists_every_public_name():
    modules = re.split(
        r"^\.\. currentmodule:: (\S+)$", (SITE / "api.rst").read_text("utf-8"), flags=re.M
    )
    listed = {
        module: sorted(re.findall(r"^   (\w+)$", text, re.M))
        for module, text in zip(modules[1::2], modules[2::2], strict=True)
    }
    assert listed == {
        "skrnn": sorted(set(skrnn.__all__) - {"__version__", "cells"}),
        "skrnn.inspection": sorted(skrnn.inspection.__all__),
        "skrnn.cells": sorted(skrnn.cells.__all__),
    }
