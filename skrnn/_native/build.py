"""Compiles kernels.c to a library with any C compiler; .ci/hatch_build.py runs it.

It needs only Python's standard library.
"""

import hashlib
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

FOLDER = Path(__file__).parent
DTYPES = {"float32": ["-DREAL=float", "-DSINGLE"], "float64": ["-DREAL=double"]}
# Builds for wider vector units; the processor decides at run time which one runs.
LEVELS = {"x86_64": ["x86-64", "x86-64-v3", "x86-64-v4"], "other": [None]}
FLAGS = (
    "-std=gnu99 -O3 -fPIC -fvisibility=hidden -fno-math-errno -fno-trapping-math "
    "-ffp-contract=fast -g0 -pthread"
).split()
LINK = {
    "linux": ["-shared", "-s", "-pthread", "-Wl,--build-id=none"],
    "darwin": ["-dynamiclib", "-Wl,-install_name,@rpath/kernels.dylib"],
}
# Targets that zig compiles for on any machine: wheel tag -> system, processor, zig's target.
PLATFORMS = {
    "manylinux2014_x86_64": ("linux", "x86_64", "x86_64-linux-gnu.2.17"),
    "manylinux2014_aarch64": ("linux", "aarch64", "aarch64-linux-gnu.2.17"),
    "macosx_11_0_arm64": ("darwin", "arm64", "aarch64-macos.11.0"),
    "win_amd64": ("win32", "amd64", "x86_64-windows-gnu"),
}
SUFFIXES = {"linux": ".so", "darwin": ".dylib", "win32": ".dll"}


def library_path(system=sys.platform):
    """Return the path of the library."""
    return FOLDER / f"kernels{SUFFIXES.get(system, '.so')}"


def source_hash():
    """Return a hash of all sources of the library, which is compiled into it."""
    digest = hashlib.sha256()
    for path in sorted([*FOLDER.glob("*.[ch]"), Path(__file__)]):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def is_current(library):
    """Whether a library exists and was compiled from the present sources."""
    return library.exists() and source_hash().encode() in library.read_bytes()


def compile_library(compiler, into, system=sys.platform, machine=None, flags=FLAGS):
    """Compile the kernels to the file `into`, with a compiler command such as ["cc"]."""
    machine = (machine or platform.machine()).lower()
    levels = LEVELS["x86_64" if machine in ("x86_64", "amd64") else "other"]
    with tempfile.TemporaryDirectory() as folder:
        running, objects = [], []
        for level, target in enumerate(levels):
            for dtype, of_dtype in DTYPES.items():
                base = [f'-DSOURCE="{source_hash()}"'] if not objects else []
                name = f"-DNAME(name)=skrnn_##name##_{dtype}_{level}"
                objects.append(str(Path(folder) / f"{dtype}_{level}.o"))
                command = [*compiler, *flags, *of_dtype, *base, name, "-c", "kernels.c"]
                if target is not None:
                    zig = f"-mcpu={target.replace('-', '_')}"
                    command.append(zig if "ziglang" in compiler else f"-march={target}")
                running.append(subprocess.Popen([*command, "-o", objects[-1]], cwd=FOLDER))
        linked = Path(folder) / "linked" / into.name  # a linker may leave other files next to it
        linked.parent.mkdir()
        link = [*compiler, *LINK.get(system, LINK["linux"][:2]), *objects, "-lm", "-o", str(linked)]
        failed = [process.wait() for process in running]
        if any(failed) or subprocess.run(link).returncode:
            raise OSError(f"{' '.join(compiler)} cannot compile kernels.c")
        if system == "win32":
            _erase_time(linked)
        shutil.move(linked, into)


def _erase_time(library):
    """Erase the link time from a Windows library, so that two builds are identical."""
    content = bytearray(library.read_bytes())
    header = int.from_bytes(content[0x3C:0x40], "little")
    content[header + 8 : header + 12] = bytes(4)
    library.write_bytes(content)


if __name__ == "__main__":
    compile_library(sys.argv[1:] or ["cc"], library_path())
