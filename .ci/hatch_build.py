"""Build hook: compiles skrnn/_native/kernels.c into the wheel, if there is a C compiler.

It takes the machine's own compiler, else that of the `ziglang` package. With SKRNN_NATIVE=0, or
where neither is to be had, skrnn is pure Python and computes with NumPy. SKRNN_PLATFORM, the tag of
a wheel such as manylinux2014_aarch64, has `ziglang` compile for that platform on any machine.
"""

import importlib.util
import os
import platform
import shutil
import sys
import sysconfig
import tempfile
from pathlib import Path

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

# Where `ziglang` has a wheel, and compiles for.
ZIG_MACHINES = {"x86_64", "amd64", "aarch64", "arm64"}


def own_compiler():
    """Return the command of the machine's compiler, or None."""
    if sys.platform == "win32":  # its compiler takes other flags
        return None
    return next(([name] for name in ("cc", "gcc", "clang") if shutil.which(name)), None)


def wanted():
    return os.environ.get("SKRNN_NATIVE") != "0"


def zig():
    return [sys.executable, "-m", "ziglang", "cc"]


def build_script(root):
    """Return skrnn/_native/build.py as a module; skrnn itself needs its dependencies."""
    path = Path(root, "skrnn", "_native", "build.py")
    spec = importlib.util.spec_from_file_location("build_of_kernels", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class CustomBuildHook(BuildHookInterface):
    folder = None

    def dependencies(self):
        if not wanted():
            return []
        if "SKRNN_PLATFORM" in os.environ:
            return ["ziglang"]
        zigs = platform.machine().lower() in ZIG_MACHINES
        return ["ziglang"] if zigs and not own_compiler() else []

    def initialize(self, version, build_data):
        if not wanted():
            return
        build, tag = build_script(self.root), os.environ.get("SKRNN_PLATFORM")
        if tag is not None:
            self.cross_compile(build, tag, build_data)
            return
        library = build.library_path()
        compiler = own_compiler()
        if compiler is None and importlib.util.find_spec("ziglang"):
            compiler = zig()
        if compiler is None:
            self.app.display_warning("skrnn: no C compiler, so it will compute with NumPy")
            return
        into = library
        if version != "editable":
            self.folder = tempfile.mkdtemp()
            into = Path(self.folder, library.name)
        try:
            if not build.is_current(into):
                build.compile_library(compiler, into)
        except OSError as error:
            self.app.display_warning(f"skrnn: {error}, so it will compute with NumPy")
            return
        tag = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        self.include(None if version == "editable" else into, tag, build_data)

    def cross_compile(self, build, tag, build_data):
        """Compile for another platform; an error ends the build."""
        if tag not in build.PLATFORMS:
            raise ValueError(
                f"SKRNN_PLATFORM must be one of {', '.join(build.PLATFORMS)}, got {tag}."
            )
        system, machine, target = build.PLATFORMS[tag]
        self.folder = tempfile.mkdtemp()
        into = Path(self.folder, build.library_path(system).name)
        build.compile_library([*zig(), "-target", target], into, system, machine)
        self.include(into, tag, build_data)

    def include(self, library, tag, build_data):
        """Put a library into the wheel, and the platform's tag on it."""
        if library is not None:
            build_data["force_include"][str(library)] = f"skrnn/_native/{library.name}"
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{tag}"

    def finalize(self, version, build_data, artifact_path):
        if self.folder is not None:
            shutil.rmtree(self.folder)
